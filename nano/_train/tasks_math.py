# SPDX-License-Identifier: Apache-2.0
"""Sums, comparisons, word problems, sequences, units and time."""

from common import ASK_NP, Turn, join, split, task

ONES = split("zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|"
             "fifteen|sixteen|seventeen|eighteen|nineteen")
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def in_words(n):
    """Spells 0 to 999 in English."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10] + ("" if n % 10 == 0 else "-" + ONES[n % 10])
    rest = "" if n % 100 == 0 else " and " + in_words(n % 100)
    return ONES[n // 100] + " hundred" + rest


OPERATIONS = {
    "+": ("{a} plus {b}", "{a} + {b}", "{a}+{b}", "the sum of {a} and {b}", "{a} and {b} added together",
          "{a} added to {b}", "the total of {a} and {b}"),
    "-": ("{a} minus {b}", "{a} - {b}", "{a}-{b}", "{a} take away {b}", "{a} less {b}",
          "the difference when you take {b} from {a}", "{b} subtracted from {a}"),
    "*": ("{a} times {b}", "{a} * {b}", "{a}*{b}", "{a} x {b}", "{a} multiplied by {b}",
          "the product of {a} and {b}", "{a}x{b}"),
    "/": ("{a} divided by {b}", "{a} / {b}", "{a}/{b}", "the result of dividing {a} by {b}"),
}
PLAIN = split("""{np}|{np}=|{np} =|{np}?|{np} = ?|what is {np}?|what's {np}?|What does {np} equal?
Calculate {np}.|Compute {np}.|Work out {np}.|How much is {np}?|Solve {np}.|Calculate {np}|compute {np}
What do you get for {np}?|Can you calculate {np}?|Please work out {np}.|Evaluate {np}.|whats {np}
Tell me {np}.|I need {np}.|How much does {np} make?|What is the answer to {np}?|Do the sum: {np}
Find {np}.|what is {np} equal to?|Could you work out {np} for me?|Give me the result of {np}.
Hi, what is {np}?|Quick math: {np}|Math question: what is {np}?|Can you do {np}?|Answer this: {np}""")
DIRECT = {
    "+": split("""Add {a} and {b}.|Add {b} to {a}.|Sum {a} and {b}.|What do {a} and {b} make?
If you add {a} and {b}, what do you get?|How much is {a} and {b} together?|Add up {a} and {b}.
What is {a} increased by {b}?|Please add {a} and {b}.|Can you add {a} and {b}?|add {a} {b}"""),
    "-": split("""Subtract {b} from {a}.|Take {b} away from {a}.|What is left if you take {b} from {a}?
What is {a} decreased by {b}?|Take {b} from {a}.|If you have {a} and lose {b}, how much is left?
Please subtract {b} from {a}.|How much is {a} after taking away {b}?|Reduce {a} by {b}.|If I have {a} and take away {b}, what is left?|You have {a} and lose {b}. How much is left?|I had {a} and spent {b}. How much is left?
If you start with {a} and remove {b}, what remains?|I have {a} and you take {b}. What is left?|What remains if you take {b} from {a}?|{a} take away {b} is what?"""),
    "*": split("""Multiply {a} by {b}.|Multiply {a} and {b}.|What do you get if you multiply {a} by {b}?
How much is {a} times {b}?|Please multiply {a} by {b}.|Can you multiply {a} by {b}?
What is {a} groups of {b}?|Give me the product of {a} and {b}.|multiply {a} {b}"""),
    "/": split("""Divide {a} by {b}.|How many times does {b} go into {a}?|What is {a} split into {b} equal parts?
Please divide {a} by {b}.|Can you divide {a} by {b}?|Share {a} equally among {b}.
If you divide {a} by {b}, what do you get?|How much is {a} divided by {b}?"""),
}


def value(op, a, b):
    return {"+": a + b, "-": a - b, "*": a * b, "/": a // max(1, b)}[op]


def arithmetic(c, op, a, b):
    """One question about a op b; the answer restates the sum so that it is copied first."""
    result = value(op, a, b)
    spell = c.chance(0.06) and 0 <= min(a, b) and max(a, b) < 100
    x, y = (in_words(a), in_words(b)) if spell else (a, b)
    if c.chance(0.25):
        user = c.ask(DIRECT[op], a=x, b=y)
    else:
        forms = OPERATIONS[op][:1] if spell else OPERATIONS[op]
        np = c.pick(forms[:3] if c.chance(0.6) else forms)
        user = c.ask(PLAIN, np=np.replace("{a}", str(x)).replace("{b}", str(y)))
    return Turn(user, f"{a} {op} {b} = {result}", str(result))


@task("add", "math", 6)
def add(c):
    if c.chance(0.75):
        a, b = c.pair(10, 99)
    else:
        a, b = c.pair(0, 99)
    return [arithmetic(c, "+", a, b)]


@task("add3", "math", 1.5)
def add3(c):
    a, b = c.pair(100, 999, 1, 999)
    if c.chance(0.3):
        a, b = b, a
    return [arithmetic(c, "+", a, b)]


@task("subtract", "math", 4.5)
def subtract(c):
    a, b = c.pair(0, 99) if c.chance(0.3) else c.pair(10, 99)
    if c.chance(0.85):
        a, b = max(a, b), min(a, b)
    return [arithmetic(c, "-", a, b)]


@task("multiply", "math", 2.5)
def multiply(c):
    a, b = (c.num(0, 12), c.num(0, 12)) if c.chance(0.7) else (c.num(2, 9), c.num(10, 99))
    if c.chance(0.4):
        a, b = b, a
    return [arithmetic(c, "*", a, b)]


@task("divide", "math", 1.5)
def divide(c):
    b, q = c.num(1, 12), c.num(1, 12)
    return [arithmetic(c, "/", b * q, b)]


@task("add_three_numbers", "math", 0.8)
def add_three_numbers(c):
    a, b = c.pair(1, 40)
    d = c.num(1, 40)
    user = c.ask("""What is {a} + {b} + {d}?|Add {a}, {b} and {d}.|What is the sum of {a}, {b} and {d}?
        {a}+{b}+{d}|Calculate {a} + {b} + {d}.|What is {a} plus {b} plus {d}?|How much is {a} + {b} + {d}?
        Add up {a}, {b} and {d}.|Find the total of {a}, {b} and {d}.|{a} + {b} + {d} = ?|What's {a} plus {b} plus {d}?|Add {a} and {b} and {d}.|Calculate {a} plus {b} plus {d}.|{a} plus {b} plus {d}
        How much is {a} plus {b} plus {d}?|Please add {a}, {b} and {d}.|What do {a}, {b} and {d} make together?|Sum up {a}, {b}, {d}.|what is {a} and {b} and {d}?|Work out {a} + {b} + {d}.""", a=a, b=b, d=d)
    return [Turn(user, f"{a} + {b} = {a + b}, and {a + b} + {d} = {a + b + d}", str(a + b + d))]


@task("sum_chain", "math", 0.8)
def sum_chain(c):
    a, b = c.pair(10, 60)
    first = arithmetic(c, "+", a, b)
    total, d = a + b, c.num(2, 30)
    up = c.chance(0.6)
    user = c.ask("""And plus {d}?|Now add {d}.|Add {d} to that.|And {d} more?|What if I add {d} to that?
        Add another {d}.|Then add {d}.|Plus {d}?|Now increase it by {d}.|and another {d}?|And if you add {d}?|Another {d} on top?|Add {d} more.|plus {d}|Now plus {d}.""" if up else
                 """And minus {d}?|Now take away {d}.|Subtract {d} from that.|And {d} less?|Now remove {d}.
        What if I subtract {d} from that?|Then subtract {d}.|Minus {d}?|Now reduce it by {d}.""", d=d)
    result = total + d if up else total - d
    return [first, Turn(user, f"{total} {'+' if up else '-'} {d} = {result}", str(result))]


@task("double_half", "math", 0.8)
def double_half(c):
    a = c.num(1, 99)
    if c.chance(0.5):
        user = c.ask("""What is double {a}?|Double {a}.|What is twice {a}?|What is two times {a}?|How much is double {a}?
            Can you double {a}?|Give me the double of {a}.|Twice {a} is what?|Double the number {a}.""", a=a)
        return [Turn(user, f"2 * {a} = {2 * a}", str(2 * a))]
    user = c.ask("""What is half of {a}?|Halve {a}.|What is {a} cut in half?|Half of {a}?|How much is half of {a}?
        Give me half of {a}.|Tell me half of {a}.|What do you get if you halve {a}?""", a=2 * a)
    return [Turn(user, f"{2 * a} / 2 = {a}", str(a))]


@task("number_words", "math", 1)
def number_words(c):
    n = c.num(0, 999) if c.chance(0.5) else c.num(0, 99)
    w = in_words(n)
    if c.chance(0.5):
        user = c.ask("""Write {n} in words.|How do you write {n} in words?|Spell out the number {n}.|{n} in words
            What is {n} in words?|Write the number {n} as words.|Say {n} in words.|Put {n} into words.
            How is {n} written in words?|Convert {n} to words.""", n=n)
        return [Turn(user, w)]
    user = c.ask("""Write {w} as a number.|What number is {w}?|Write {w} in digits.|{w} in digits|{w} as a number
        Convert {w} to digits.|How do you write {w} in digits?|Give me {w} in figures.|Turn {w} into a number.""", w=w)
    return [Turn(user, str(n))]


THINGS = split("""apples|books|coins|marbles|cookies|pencils|stickers|shells|eggs|cards|stones|balloons|oranges|
    stamps|flowers|toys|candles|buttons|plums|keys|cups|nuts|tickets|muffins|beads""".replace("\n", ""))


def person(c):
    return c.word(c.src["lists"]["firstNames"])


def built_problem(c, n, m, t):
    """A problem put together from parts, so that many wordings occur."""
    a, b = c.pair(2, 70)
    up = c.chance(0.5)
    if not up:
        a, b = max(a, b) + 1, min(a, b)
    past = c.chance(0.5)
    he = c.pick(["he", "she", "they"] if past else ["he", "she"])
    more = [("buys", "bought"), ("gets", "got"), ("finds", "found"), ("receives", "received"), ("picks", "picked"), ("wins", "won"), ("makes", "made"), ("collects", "collected")]
    less = [("gives away", "gave away"), ("loses", "lost"), ("sells", "sold"), ("uses", "used"), ("drops", "dropped"), ("breaks", "broke"), ("eats", "ate"), ("throws away", "threw away")]
    verb = c.pick(more if up else less)[past]
    tail = c.pick([f"{b} more", f"{b} more {t}", f"another {b}", f"{b} {t}"]) if up else c.pick([f"{b}", f"{b} {t}", f"{b} of them"])
    first = f"{n} {'had' if past else 'has'} {a} {t}"
    link = c.pick([" and ", " and then ", ". Then ", ". ", ". Later ", ". Today "])
    who = "" if link in (" and ", " and then ") else c.pick([he, n]) + " "
    if link in (". ",):
        who = who[0].upper() + who[1:]
    second = f"{who}{verb} {tail}"
    if not up and c.chance(0.2):
        second = f"{who}{'gave' if past else 'gives'} {b} to {m}"
    if up and c.chance(0.15):
        link, second = ". ", f"{m} {'gave' if past else 'gives'} {c.pick(['him', 'her', n])} {tail}"
    end = c.pick([f"How many {t} does {c.pick([n, 'he', 'she'])} have {w}?" for w in (("now", "in total", "altogether", "in all", "at the end") if up else ("now", "left", "left over", "at the end"))]
                 + ([f"How many {t} are there?", f"How many {t} is that?"] if up else [f"How many {t} are left?", f"How many {t} remain?"]) + [f"How many does {n} have?"])
    op, r = ("+", a + b) if up else ("-", a - b)
    return [Turn(f"{first}{link}{second}. {end}", f"{a} {op} {b} = {r}. The answer is {r} {t}.", str(r))]


@task("word_problem", "math", 5)
def word_problem(c):
    n, m, t = person(c), person(c), c.pick(THINGS)
    if c.chance(0.4):
        return built_problem(c, n, m, t)
    kind = c.num(0, 6)
    if kind in (0, 1):
        a, b = c.pair(2, 60)
        user = c.ask("""{n} has {a} {t}. {n} gets {b} more. How many {t} does {n} have now?
            {n} had {a} {t} and bought {b} more. How many {t} does {n} have?
            {n} found {a} {t} in the morning and {b} {t} in the evening. How many {t} did {n} find?
            There are {a} {t} in a box. {n} puts in {b} more. How many {t} are in the box?
            {n} has {a} {t} and {m} has {b} {t}. How many {t} do they have together?
            If {n} has {a} {t} and {m} gives {n} {b} more, how many {t} does {n} have?
            {n} collected {a} {t} on Monday and {b} {t} on Tuesday. How many {t} is that in all?
            A shop sold {a} {t} today and {b} {t} yesterday. How many {t} did it sell in total?
            {m} gave {n} {b} {t}. {n} already had {a}. How many {t} does {n} have now?|{n} has {a} {t} and {m} gives {n} {b} more. How many {t} does {n} have?
            Suppose {n} has {a} {t} and gets {b} from {m}. How many {t} does {n} have?|{n} has {a} {t}. {m} gives {n} {b} {t}. How many {t} does {n} have?|If {n} has {a} {t} and finds {b} more, how many are there?
            If {n} buys {a} {t} and {m} buys {b}, how many {t} do they have?|{a} {t} are on the table and {b} more are added. How many {t} are there?|{n} read {a} pages about {t} and then {b} more. How many pages about {t} is that? I mean in {t}.""", n=n, m=m, a=a, b=b, t=t)
        return [Turn(user, f"{a} + {b} = {a + b}. The answer is {a + b} {t}.", str(a + b))]
    if kind in (2, 3):
        a, b = c.pair(2, 60)
        a, b = max(a, b) + 1, min(a, b)
        user = c.ask("""{n} has {a} {t}. {n} gives {b} to {m}. How many {t} does {n} have left?
            {n} had {a} {t} and lost {b}. How many {t} are left?
            There were {a} {t} on the table. {n} took {b}. How many {t} remain?
            {n} had {a} {t} and sold {b} of them. How many {t} does {n} still have?
            A box holds {a} {t}. {n} takes out {b}. How many {t} are still in the box?
            If {n} has {a} {t} and gives away {b}, how many are left?
            {n} bought {a} {t} but {b} were broken. How many {t} were good?
            Out of {a} {t}, {n} used {b}. How many {t} are left over?
            {n} has {a} {t} and {m} has {b}. How many more {t} does {n} have than {m}?""", n=n, m=m, a=a, b=b, t=t)
        return [Turn(user, f"{a} - {b} = {a - b}. The answer is {a - b} {t}.", str(a - b))]
    if kind == 4:
        a, b = c.num(2, 12), c.num(2, 12)
        user = c.ask("""{n} has {a} boxes with {b} {t} in each. How many {t} does {n} have?
            There are {a} bags. Each bag holds {b} {t}. How many {t} are there?
            {n} buys {a} packs of {b} {t}. How many {t} is that?
            Each of {a} friends has {b} {t}. How many {t} do they have together?
            {n} makes {a} rows of {b} {t}. How many {t} are there in all?
            If one basket has {b} {t}, how many {t} are in {a} baskets?
            {n} puts {b} {t} on each of {a} plates. How many {t} does {n} need?
            A shelf has {b} {t}. How many {t} are on {a} shelves?""", n=n, a=a, b=b, t=t)
        return [Turn(user, f"{a} * {b} = {a * b}. The answer is {a * b} {t}.", str(a * b))]
    if kind == 5:
        b, q = c.num(2, 12), c.num(2, 12)
        a = b * q
        user = c.ask("""{n} shares {a} {t} equally among {b} friends. How many {t} does each friend get?
            {a} {t} are put into {b} equal bags. How many {t} are in each bag?
            {n} has {a} {t} and {b} boxes. How many {t} go in each box?
            If {b} children share {a} {t} equally, how many does each child get?
            {n} divides {a} {t} into {b} equal groups. How many {t} are in a group?
            {b} people split {a} {t} evenly. How many {t} does each person get?
            {n} plants {a} {t} in {b} equal rows. How many {t} are in each row?
            Split {a} {t} between {b} people. How many does each one get?|{b} friends share {a} {t} equally. How many {t} does each friend get?|{b} children divide {a} {t} evenly. How many {t} does each child get?
            {b} people share {a} {t}. How many does each person get?|{a} {t} are split evenly between {b} people. How many {t} does each one get?|If {b} friends split {a} {t} evenly, how many does each get?|{b} pirates share {a} {t} equally. How many {t} does each pirate get?""", n=n, a=a, b=b, t=t)
        return [Turn(user, f"{a} / {b} = {q}. The answer is {q} {t}.", str(q))]
    a, b = c.pair(5, 50)
    d = c.num(1, a + b - 1)
    user = c.ask("""{n} has {a} {t}. {n} gets {b} more and then gives away {d}. How many {t} are left?
        {n} had {a} {t}, bought {b} more and lost {d}. How many {t} does {n} have now?
        There are {a} {t} in a jar. {n} adds {b} and takes out {d}. How many {t} are in the jar?
        {n} found {a} {t}, {m} gave {n} {b} more, and then {n} sold {d}. How many {t} does {n} have?
        {n} picked {a} {t} and {m} picked {b}. They used {d}. How many {t} remain?
        Start with {a} {t}, add {b}, then remove {d}. How many {t} are there?
        A shop had {a} {t}. It got {b} more and sold {d}. How many {t} are left in the shop?
        {n} has {a} {t} and {m} has {b} {t}. Together they give away {d}. How many {t} do they keep?|You start with {a} {t}, add {b} and remove {d}. How many {t} are left?
        There are {a} {t}. Add {b}, then take away {d}. How many {t} are there now?|Begin with {a} {t}. Get {b} more and lose {d}. How many {t} remain?|{n} starts with {a} {t}, gets {b} and uses {d}. How many {t} are left?
        First there are {a} {t}, then {b} come and {d} go. How many {t} are there?""",
                 n=n, m=m, a=a, b=b, d=d, t=t)
    return [Turn(user, f"{a} + {b} = {a + b}. {a + b} - {d} = {a + b - d}. The answer is {a + b - d} {t}.",
                 str(a + b - d))]


@task("price_problem", "math", 1)
def price_problem(c):
    n, t = person(c), c.pick(THINGS)[:-1]
    a, b = c.num(2, 12), c.num(2, 12)
    if c.chance(0.5):
        user = c.ask("""One {t} costs {b} dollars. How much do {a} cost?|How much do {a} {t}s cost at {b} dollars each?
            {n} buys {a} {t}s for {b} dollars each. How much does {n} pay?|A {t} is {b} dollars. What do {a} of them cost?
            If a {t} costs {b} dollars, what is the price of {a} {t}s?|What do {a} {t}s cost if each is {b} dollars?
            {n} wants {a} {t}s. Each costs {b} dollars. How much money does {n} need?
            {a} {t}s at {b} dollars each. What is the total?""", n=n, t=t, a=a, b=b)
        return [Turn(user, f"{a} * {b} = {a * b}. The answer is {a * b} dollars.", str(a * b))]
    a, b = c.pair(10, 99)
    a, b = max(a, b) + 1, min(a, b)
    user = c.ask("""{n} has {a} dollars and buys a {t} for {b} dollars. How much money is left?
        {n} pays {a} dollars for a {t} that costs {b} dollars. How much change does {n} get?
        A {t} costs {b} dollars. {n} pays with {a} dollars. What is the change?
        {n} had {a} dollars and spent {b}. How much is left?
        If {n} has {a} dollars and spends {b} dollars, how much remains?
        {n} needs {a} dollars and has {b}. How much more does {n} need?
        {n} wants to buy a {t} for {a} dollars but has only {b} dollars. How much is missing?|A {t} costs {a} dollars and {n} has {b} dollars. How much more does {n} need?
        With {a} dollars {n} buys a {t} for {b} dollars. What is left over?
        From {a} dollars {n} spends {b} on a {t}. How many dollars are left?|{n} has {b} dollars but needs {a}. How many more dollars does {n} need?|{n} needs {a} dollars for a {t} and has only {b}. How much is missing?
        {n} has saved {b} dollars for a {t} that costs {a} dollars. How much more does {n} need?|A {t} is {a} dollars and {n} has {b}. How much more money does {n} need?""", n=n, t=t, a=a, b=b)
    return [Turn(user, f"{a} - {b} = {a - b}. The answer is {a - b} dollars.", str(a - b))]


@task("compare", "math", 1.5)
def compare(c):
    top = c.pick([20, 100, 100, 1000])
    a, b = c.num(0, top), c.num(0, top)
    if a == b:
        b += 1
    high = c.chance(0.5)
    which = c.pick(["bigger", "larger", "greater"] if high else ["smaller", "less", "lower"])
    user = c.ask("""Which is {w}, {a} or {b}?|Which number is {w}: {a} or {b}?|What is {w}, {a} or {b}?
        Is {a} or {b} {w}?|{a} or {b}, which is {w}?|Which of {a} and {b} is {w}?|Of {a} and {b}, which one is {w}?
        Tell me which is {w}: {a} or {b}.|Pick the {w} number: {a} or {b}.|{w}: {a} or {b}?|Compare {a} and {b}. Which is {w}?|Which of the two is {w}, {a} or {b}?
        Which one of {a} and {b} is the {w} number?|Which of these numbers is {w}: {a}, {b}?|From {a} and {b}, choose the {w} one.|Of the numbers {a} and {b}, which is {w}?
        Choose the {w} of {a} and {b}.|Which of these is {w}? {a} or {b}|Between {a} and {b}, which is {w}?|what's {w}, {a} or {b}|Which of {a} or {b} is {w}?|Which number of {a} and {b} is {w}?|Of {a} and {b}, name the {w} one.|Which one of {a} and {b} is {w}?""", w=which, a=a, b=b)
    best = max(a, b) if high else min(a, b)
    return [Turn(user, f"{best} is {which}.", str(best))]


@task("compare_yes_no", "math", 1)
def compare_yes_no(c):
    a, b = c.num(0, 100), c.num(0, 100)
    if a == b:
        b += 1
    high = c.chance(0.5)
    word = c.pick(["greater than", "bigger than", "more than"] if high else ["less than", "smaller than"])
    user = c.ask("""Is {a} {w} {b}?|True or false: {a} is {w} {b}.|Is it true that {a} is {w} {b}?|{a} is {w} {b}, right?
        Would you say {a} is {w} {b}?|Check: is {a} {w} {b}?|Yes or no: is {a} {w} {b}?|Tell me if {a} is {w} {b}.|Check if {a} is {w} {b}.|Check whether {a} is {w} {b}.|Is the number {a} {w} {b}?|Can you check if {a} is {w} {b}?|{a} is {w} {b}. Right?|Please check: {a} is {w} {b}?
        Do you think {a} is {w} {b}?""",
                 a=a, b=b, w=word)
    truth = (a > b) == high
    sign = "greater" if a > b else "less"
    if user.lower().startswith("true"):
        word = "True" if truth else "False"
    else:
        word = "Yes" if truth else "No"
    return [Turn(user, f"{word}. {a} is {sign} than {b}.", word)]


@task("max_min", "math", 1)
def max_min(c):
    values = c.some(range(1, 100), c.num(3, 6))
    high = c.chance(0.5)
    which = c.pick(["largest", "biggest", "highest"] if high else ["smallest", "lowest"])
    text = ", ".join(map(str, values))
    user = c.ask("""What is the {w} number in {v}?|Which is the {w}: {v}?|Find the {w} number: {v}
        Which number is the {w}? {v}|Pick the {w} of these numbers: {v}|The {w} of {v}?
        Tell me the {w} number in this list: {v}|From {v}, give me the {w}.|What's the {w} of {v}?""", w=which, v=text)
    best = max(values) if high else min(values)
    return [Turn(user, f"The {which} number is {best}.", str(best))]


@task("sort_numbers", "math", 1.5)
def sort_numbers(c):
    top = c.pick([10, 20, 100, 100, 1000])
    values = [c.num(0, top - 1) for _ in range(c.num(3, 6))] if c.chance(0.3) else c.some(range(top), c.num(3, 6))
    down = c.chance(0.3)
    order = c.pick(["from largest to smallest", "in descending order"]) if down else c.pick(["from smallest to largest", "in order", "in ascending order"])
    text = ", ".join(map(str, values))
    user = c.ask("""Sort these numbers {o}: {v}|Sort the numbers {o}: {v}|Put {v} {o}.|Order these numbers {o}: {v}|Sort {v} {o}.
        Arrange {v} {o}.|Can you sort {v} {o}?|List these {o}: {v}|Please put these numbers {o}: {v}
        Write {v} {o}.|Sort {o}: {v}|Arrange these numbers {o}: {v}|Arrange the numbers {v} {o}.|Arrange {o}: {v}|Could you arrange {v} {o}?|Order {v} {o}.|Order the numbers {o}: {v}
        Please sort {v} {o}.|Can you put these numbers {o}: {v}?|Rank {v} {o}.|Rearrange {v} {o}.|Give me {v} {o}.|Here are some numbers: {v}. Sort them {o}.|{v}: sort {o}|Please arrange {v} {o}."""
                 , o=order, v=text)
    if not down and c.chance(0.25):
        user = c.ask("""Sort these numbers: {v}|Sort {v}.|Sort the numbers {v}|Can you sort these numbers: {v}?|Put these numbers in order: {v}|sort {v}
            Sort the list: {v}|Please sort: {v}|Order these numbers: {v}|Sort this list of numbers: {v}|[{v}] sorted?""", v=text)
    return [Turn(user, ", ".join(map(str, sorted(values, reverse=down))))]


@task("even_odd", "math", 0.8)
def even_odd(c):
    n = c.num(0, 999)
    kind = "odd" if n % 2 else "even"
    user = c.ask("""Is {n} even or odd?|Is {n} an even number?|Is {n} an odd number?|Is the number {n} odd or even?|Even or odd: {n}
        Tell me if {n} is even or odd.|{n}: even or odd?|Is {n} odd?|Is {n} even?|Check whether {n} is even or odd.""", n=n)
    low = user.lower()
    if "or" in low.replace("for", ""):
        return [Turn(user, f"{n} is {kind}.", kind)]
    said = "odd" if "odd" in low else "even"
    yes = "Yes" if said == kind else "No"
    return [Turn(user, f"{yes}. {n} is {kind}.", yes)]


@task("prime", "math", 0.6)
def prime(c):
    n = c.num(2, 100)
    divisor = next((d for d in range(2, n) if n % d == 0), None)
    user = c.ask("""Is {n} a prime number?|Is {n} prime?|Is the number {n} prime?|Tell me if {n} is prime.|{n}: prime or not?|Check whether {n} is prime.
        Is {n} a prime?|True or false: {n} is prime. Answer yes or no.|Would you call {n} a prime number?|Can you tell me if {n} is a prime number?""", n=n)
    if divisor is None:
        return [Turn(user, f"Yes. {n} is prime.", "Yes")]
    return [Turn(user, f"No. {n} = {divisor} * {n // divisor}", "No")]


@task("next_number", "math", 1)
def next_number(c):
    step, start = c.num(1, 10), c.num(0, 30)
    if c.chance(0.25):
        start += step * 6
        step = -step
    values = [start + i * step for i in range(c.num(3, 5) + 1)]
    text = ", ".join(map(str, values[:-1]))
    user = c.ask("""What comes next: {v}?|What is the next number: {v}, ...?|Continue the sequence: {v}
        Which number comes next in {v}?|{v}, what is next?|Find the next number in the series {v}.
        Complete: {v}, ...|What number follows {v}?|Next number: {v}?""", v=text)
    return [Turn(user, f"The next number is {values[-1]}.", str(values[-1]))]


@task("count_to", "math", 0.5)
def count_to(c):
    low = 1 if c.chance(0.6) else c.num(1, 40)
    high = low + c.num(2, 14)
    down = c.chance(0.25)
    if down:
        user = c.ask("""Count down from {h} to {l}.|Count backwards from {h} to {l}.|Count from {h} down to {l}.
            Can you count down from {h} to {l}?|Count {h} to {l} backwards.|Please count down from {h} to {l}.
            Do a countdown from {h} to {l}.|List the numbers from {h} down to {l}.""", h=high, l=low)
        return [Turn(user, ", ".join(map(str, range(high, low - 1, -1))))]
    user = c.ask("""Count from {l} to {h}.|Count up from {l} to {h}.|List the numbers from {l} to {h}.
        Can you count from {l} to {h}?|Write the numbers {l} to {h}.|Please count from {l} to {h}.
        Count {l} to {h}.|Give me all numbers between {l} and {h}.""" if low > 1 or c.chance(0.5) else
                 """Count to {h}.|Count to {h}|Can you count to {h}?|Please count to {h}.|Count up to {h}.
        Could you count to {h} for me?|I want you to count to {h}.|Let us count to {h}.""", h=high, l=low)
    return [Turn(user, ", ".join(map(str, range(low, high + 1))))]


UNITS = split("""minute:seconds:60|hour:minutes:60|day:hours:24|week:days:7|year:months:12|meter:centimeters:100|
    kilometer:meters:1000|kilogram:grams:1000|foot:inches:12|yard:feet:3|dozen:eggs:12|decade:years:10|
    century:years:100|dollar:cents:100|liter:milliliters:1000|centimeter:millimeters:10|pound:ounces:16""".replace("\n", ""))


@task("units", "math", 1)
def units(c):
    one, many, size = c.pick(UNITS).split(":")
    size = int(size)
    n = 1 if c.chance(0.3) else c.num(2, 12 if size in (60, 24, 7, 12, 3, 16) else 20)
    unit = one if n == 1 else {"century": "centuries", "foot": "feet", "dozen": "dozen"}.get(one, one + "s")
    verb = "is" if n == 1 else "are"
    user = c.ask("""How many {m} are in {n} {u}?|How many {m} are there in {n} {u}?|Convert {n} {u} to {m}.
        {n} {u} in {m}|{n} {u} is how many {m}?|What is {n} {u} in {m}?|How many {m} make {n} {u}?
        Tell me how many {m} are in {n} {u}.|How many {m} in {n} {u}?""", m=many, n=n, u=unit)
    return [Turn(user, f"There are {n * size} {many} in {n} {unit}.", str(n * size))]


@task("clock", "math", 0.8)
def clock(c):
    h, d = c.num(1, 12), c.num(1, 6)
    after = c.chance(0.6)
    result = (h + d - 1) % 12 + 1 if after else (h - d - 1) % 12 + 1
    hours = "1 hour" if d == 1 else f"{d} hours"
    user = c.ask("""It is {h} o'clock. What time is it {d} {w}?|What time is it {d} {w} {h} o'clock?
        What is {d} {w} {h} o'clock?|If it is {h} o'clock, what time is it {d} {w}?
        The clock shows {h} o'clock. What time will it show {d} {w}?|{d} {w} {h} o'clock is what time?
        Tell me the time {d} {w} {h} o'clock.|What time comes {d} {w} {h} o'clock?""" if after else
                 """What time was it {d} {w} {h} o'clock?|What is {d} {w} {h} o'clock?
        {d} {w} {h} o'clock is what time?|Tell me the time {d} {w} {h} o'clock.
        What time comes {d} {w} {h} o'clock?|Give me the time {d} {w} {h} o'clock.
        I need the time {d} {w} {h} o'clock.|Which time is {d} {w} {h} o'clock?""",
                 h=h, d=hours, w="after" if after else "before")
    user = user.replace("after?", "later?")
    return [Turn(user, f"It is {result} o'clock.", f"{result} o'clock")]


@task("average", "math", 0.5)
def average(c):
    m, d = c.num(5, 60), c.num(0, 5)
    a, b = m - d, m + d
    user = c.ask("""What is the average of {a} and {b}?|Find the mean of {a} and {b}.|Average of {a} and {b}?
        Calculate the average of {a} and {b}.|What is the mean of {a} and {b}?|Tell me the average of {a} and {b}.
        Work out the average of {a} and {b}.|The average of {a} and {b} is what?""", a=a, b=b)
    return [Turn(user, f"{a} + {b} = {a + b}, and {a + b} / 2 = {m}", str(m))]


def plain_sum(c):
    """A sum written alone, as in a notebook."""
    a, b = c.pair(0, 99)
    op = c.pick("++-")
    if op == "-":
        a, b = max(a, b), min(a, b)
    return f"{a} {op} {b} = {value(op, a, b)}"
