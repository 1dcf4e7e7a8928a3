# SPDX-License-Identifier: Apache-2.0
"""Copying from the prompt: questions about a passage, JSON with given keys, letter case, repeats.

Names, codes and numbers are drawn afresh for every example, most of them made
up letter by letter, so that the answer can only come from the passage.
"""

import json

from common import Turn, article, join, split, task

ONSETS = split("b|br|c|ch|cl|d|dr|f|fl|g|gr|h|j|k|kr|l|m|n|p|pr|qu|r|s|sh|st|t|th|tr|v|w|y|z|sk|sl")
VOWELS = split("a|e|i|o|u|a|e|i|o|ai|ea|ee|oo|ia|ou")
CODAS = split("|n|r|l|s|m|t|k|x|nd|rt|ck|th|ll|n|r|-".replace("|-", "|d"))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MONTHS = split("January|February|March|April|May|June|July|August|September|October|November|December")
WEEKDAYS = split("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
COLORS = split("red|blue|green|yellow|black|white|brown|purple|gray|orange|silver|golden|pink")
NAMES = split("""Nora|Emma|Liam|Noah|Olivia|Sofia|Marta|Peter|Anna|Carlos|Yuki|Omar|Fatima|Ivan|Lena|Kofi|Priya|Chen|Aisha|Bruno|Ines|
Hugo|Klara|Tomas|Zara|Felix|Greta|Jonas|Mira|Oskar|Petra|Rosa|Stefan|Tara|Viktor|Wanda|Alice|Bob|Sam|Max|Eva|Leo|Ravi|Mei""")
CITIES = split("""Paris|London|Berlin|Madrid|Rome|Vienna|Oslo|Lisbon|Athens|Dublin|Prague|Warsaw|Tokyo|Cairo|Lima|Boston|Chicago|Denver|
Seattle|Toronto|Sydney|Mumbai|Nairobi|Zurich|Geneva|Munich|Lyon|Porto|Leeds|Bergen|Krakow|Seville""")


def made_up(c, parts=None):
    """A made-up word, or a real but rare proper name."""
    if c.chance(0.4):
        return c.word(c.src["proper"])
    out = ""
    for _ in range(parts or c.num(1, 3)):
        out += c.pick(ONSETS) + c.pick(VOWELS)
    return (out + c.pick(CODAS)).capitalize()


def name(c):
    r = c.rng.random()
    if r < 0.35:
        return c.pick(NAMES)
    if r < 0.65:
        return c.word(c.src["lists"]["firstNames"])
    return made_up(c, c.num(1, 2))


def surname(c):
    base = made_up(c, c.num(1, 2))
    return base + c.pick(["", "", "son", "man", "berg", "ley", "ton", "er", "ova", "ski", "ez"])


def full_name(c):
    return name(c) if c.chance(0.4) else f"{name(c)} {surname(c)}"


def place(c):
    r = c.rng.random()
    if r < 0.4:
        return c.pick(CITIES)
    if r < 0.55:
        return c.pick(c.src["countries"])["capital"]
    return made_up(c) + c.pick(["", "", "ville", "ton", "burg", "field", " Bay", " Hill", "port"])


def company(c):
    return made_up(c, c.num(1, 2)) + c.pick(["", " Ltd", " Labs", " Systems", " Group", " Foods", " Motors", " Inc", "soft", "tech"])


def code(c):
    if c.chance(0.5):
        head = "".join(c.pick(LETTERS) for _ in range(c.num(1, 4)))
        digits = "".join(str(c.num(0, 9)) for _ in range(c.num(2, 7)))
        return c.pick([head + "-" + digits, head + digits, digits + "-" + head, digits, head + "-" + digits + "-" + c.pick(LETTERS), head.lower() + digits])
    shape = c.pick(["A-0000", "AA-000", "AAA000", "A0A0A0", "00000", "0000", "AA-00-AA", "A000", "000-000", "#0000", "AAAA-00"])
    return "".join(c.pick(LETTERS) if s == "A" else str(c.num(0, 9)) if s == "0" else s for s in shape)


def phone(c):
    digits = lambda n: "".join(str(c.num(0, 9)) for _ in range(n))
    return c.pick([f"555-{digits(4)}", f"{digits(3)}-{digits(4)}", f"{digits(3)}-{digits(3)}-{digits(4)}", f"0{digits(3)} {digits(6)}"])


def email(c):
    user = name(c).lower().replace(" ", "")
    if c.chance(0.5):
        user = c.pick([user + c.pick("._-") + surname(c).lower(), user[0] + "." + surname(c).lower(), c.pick(["info", "support", "contact", "sales", "hello", "team"])])
    return f"{user}{c.pick(['', '', str(c.num(1, 99))])}@{made_up(c, c.num(1, 2)).lower()}.{c.pick(['com', 'org', 'net', 'io', 'dev'])}"


def money(c):
    amount = c.num(2, 99) if c.chance(0.5) else c.num(100, 9999)
    return c.pick([f"${amount}", f"{amount} dollars", f"{amount} euros", f"${amount}.{c.num(10, 99)}"])


def date(c):
    d, m = c.num(1, 28), c.pick(MONTHS)
    return c.pick([f"{m} {d}", f"{d} {m}", f"{m} {d}, {c.num(1950, 2030)}", f"{d} {m} {c.num(1950, 2030)}"])


def clock_time(c):
    return c.pick([f"{c.num(1, 12)}:{c.num(0, 5)}{c.num(0, 9)}", f"{c.num(1, 12)} am", f"{c.num(1, 12)} pm",
                   f"{c.num(1, 12)}:{c.pick(['00', '15', '30', '45'])} pm", f"{c.num(8, 19)}:30"])


def job(c):
    return c.pick(c.src["jobs"])


def thing(c):
    return c.word(c.src["countable"]) if c.chance(0.8) else c.pick(c.src["countable"])


def dish(c):
    return c.pick(["soup", "rice", "bread", "pasta", "salad", "pancakes", "cheese", "apples", "grapes", "noodles", "cake", "honey",
                   "fish", "beans", "curry", "tacos", "pizza", "cherries", "plums", "omelets"])


def pet(c):
    return c.word(c.src["lists"]["animals"])


# A field: (name, maker, sentences with {s} the subject and {v} the value, questions).
PERSON = {
    "name": (full_name, [], ["What is the person's name?", "Who is the text about?", "What is the name of the person?",
                             "Who is described?", "Which person is mentioned?", "Find the name.", "Extract the name.",
                             "What is the name?", "Who is it about?"]),
    "age": (lambda c: str(c.num(5, 95)), ["{s} is {v} years old.", "{s} turned {v} this year.", "At {v}, {s} is still active.",
            "{s} is aged {v}."],
            ["How old is {s}?", "What is {s}'s age?", "What age is {s}?", "Tell me the age of {s}.", "How many years old is {s}?",
             "Find the age of {s}.", "Extract the age of {s}.", "Give me {s}'s age."]),
    "city": (place, ["{s} lives in {v}.", "{s} moved to {v}.", "{s}'s home is in {v}.", "{s} has a house in {v}.", "{s} comes from {v}."],
             ["Where does {s} live?", "What city is {s} in?", "Which city does {s} live in?", "In which city is {s}'s home?",
              "What is the home town of {s}?", "Where is {s} from?", "Name the city of {s}.", "Extract the city.", "What place is {s} from?"]),
    "job": (job, ["{s} works as a {v}.", "{s} is a {v}.", "{s}'s job is {v}.", "By profession {s} is a {v}.", "{s} has been a {v} for years."],
            ["What is {s}'s job?", "What does {s} do for work?", "What does {s} do?", "What is the job of {s}?", "What does {s} work as?",
             "What is {s}'s profession?", "Which job does {s} have?", "What is the occupation of {s}?"]),
    "company": (company, ["{s} works for {v}.", "{s} joined {v} last year.", "{s} is employed by {v}.", "{s} founded {v}.", "{s} runs {v}."],
                ["Which company does {s} work for?", "Where does {s} work?", "What company is {s} with?", "What is {s}'s company?",
                 "Name the company of {s}.", "Who is the employer of {s}?", "For which company does {s} work?", "What is the company called?"]),
    "phone": (phone, ["{s}'s phone number is {v}.", "You can call {s} at {v}.", "Call {s} on {v}.", "{s} can be reached at {v}."],
              ["What is {s}'s phone number?", "What number should I call to reach {s}?", "Extract the phone number.", "What is the phone number?",
               "How can I call {s}?", "Which phone number does {s} have?", "Give me the phone number of {s}.", "What is {s}'s number?",
               "Find the phone number."]),
    "email": (email, ["{s}'s email is {v}.", "Write to {s} at {v}.", "{s} uses the address {v}.", "The email address of {s} is {v}."],
              ["What is {s}'s email?", "What is the email address of {s}?", "Extract the email address.", "What is {s}'s email address?",
               "Where can I write to {s}?", "Give me the email of {s}.", "Find the email.", "Which email does {s} use?", "What is the email?"]),
    "pet": (pet, ["{s} has a {v}.", "{s} keeps a {v}.", "{s} owns a {v}.", "{s} has a pet {v}.", "At home {s} has a {v}."],
            ["What pet does {s} have?", "What animal does {s} have?", "Which animal does {s} keep?", "What animal does {s} own?",
             "What is {s}'s pet?", "What kind of pet does {s} have?", "Which pet belongs to {s}?", "Name {s}'s animal."]),
    "food": (dish, ["{s} loves {v}.", "{s}'s favorite food is {v}.", "{s} likes {v} best.", "{s} eats {v} every day.", "{s} likes to eat {v}."],
             ["What does {s} like to eat?", "What is {s}'s favorite food?", "What food does {s} like?", "Which food does {s} love?",
              "What does {s} eat?", "What is the favorite food of {s}?", "What food does {s} prefer?", "Name the food {s} likes."]),
    "color": (lambda c: c.pick(COLORS), ["{s}'s favorite color is {v}.", "{s} likes the color {v}.", "{s} wears a {v} coat.", "{s} drives a {v} car.",
              "{s} painted the door {v}."],
              ["What color is mentioned for {s}?", "Which color goes with {s}?", "What color does the text give for {s}?", "Extract the color.",
               "Which color is mentioned?", "What is the color?", "What color belongs to {s}?", "Name the color."]),
    "birthday": (date, ["{s} was born on {v}.", "{s}'s birthday is {v}.", "{s} celebrates a birthday on {v}."],
                 ["When was {s} born?", "When is {s}'s birthday?", "What is the birthday of {s}?", "On what date was {s} born?",
                  "What is {s}'s date of birth?", "Extract the date.", "Which day is {s}'s birthday?", "Find the birth date of {s}."]),
    "bag": (thing, ["{s} bought a {v}.", "{s} carries a {v}.", "{s} lost a {v}.", "{s} found a {v} yesterday.", "{s} needs a new {v}."],
            ["What thing is mentioned with {s}?", "What did {s} have to do with?", "Which object is mentioned with {s}?",
             "What object goes with {s}?", "Which thing goes with {s}?", "What item does the text name for {s}?",
             "What thing does the text connect with {s}?", "Name the object."]),
}
THING = {
    "price": (money, ["The {s} costs {v}.", "The price of the {s} is {v}.", "You can buy the {s} for {v}.", "The {s} is sold for {v}."],
              ["How much does the {s} cost?", "What is the price of the {s}?", "What does the {s} cost?", "How much is the {s}?",
               "Extract the price.", "What is the price?", "Find the price of the {s}.", "How expensive is the {s}?", "Tell me the price of the {s}."]),
    "code": (code, ["The code of the {s} is {v}.", "The {s} has the number {v}.", "The {s} is listed as {v}.", "Its code is {v}.",
                    "The order number is {v}.", "The {s} has the ID {v}."],
             ["What is the code of the {s}?", "What is the code?", "Extract the code.", "Which code does the {s} have?", "What number does the {s} have?",
              "What is the ID of the {s}?", "Find the code.", "Give me the number of the {s}.", "What is the order number?", "Tell me the code for the {s}."]),
    "color": (lambda c: c.pick(COLORS), ["The {s} is {v}.", "The color of the {s} is {v}.", "It comes in {v}.", "The {s} was painted {v}."],
              ["What color is the {s}?", "Which color is the {s}?", "What is the color of the {s}?", "What is the color?", "Tell me the color of the {s}.",
               "In which color does the {s} come?", "Extract the color.", "Find the color of the {s}."]),
    "weight": (lambda c: f"{c.num(2, 900)} {c.pick(['grams', 'kilograms', 'pounds'])}", ["The {s} weighs {v}.", "Its weight is {v}.",
               "The weight of the {s} is {v}."],
               ["How much does the {s} weigh?", "What is the weight of the {s}?", "How heavy is the {s}?", "What does the {s} weigh?",
                "Extract the weight.", "Find the weight of the {s}.", "What is the weight?", "Tell me how heavy the {s} is."]),
    "maker": (company, ["The {s} is made by {v}.", "{v} makes the {s}.", "The {s} comes from {v}.", "The maker of the {s} is {v}."],
              ["Who makes the {s}?", "Which company makes the {s}?", "Who is the maker of the {s}?", "What company is the {s} from?",
               "Who made the {s}?", "Name the maker of the {s}.", "Which company does the {s} come from?", "Where does the {s} come from?"]),
    "where": (lambda c: c.pick(c.src["lists"]["rooms"][:60]) if c.chance(0.3) else
              c.pick(["kitchen", "garden", "attic", "cellar", "office", "garage", "hall", "library", "drawer", "shed", "closet", "box by the door"]),
              ["The {s} is kept in the {v}.", "You will find the {s} in the {v}.", "The {s} stands in the {v}.", "The {s} was left in the {v}."],
              ["Where is the {s}?", "Where can I find the {s}?", "In which place is the {s}?", "Where is the {s} kept?", "Where was the {s} left?",
               "Tell me where the {s} is.", "What is the place of the {s}?", "Where should I look for the {s}?"]),
    "arrives": (date, ["The {s} arrives on {v}.", "The {s} will be delivered on {v}.", "Delivery is on {v}.", "The {s} was sent on {v}."],
                ["When does the {s} arrive?", "When is the delivery?", "On which date does the {s} come?", "What is the delivery date?",
                 "Extract the date.", "When will the {s} come?", "What date is given for the {s}?", "Find the date."]),
    "owner": (full_name, ["The {s} belongs to {v}.", "{v} owns the {s}.", "The owner of the {s} is {v}.", "The {s} was ordered by {v}."],
              ["Who owns the {s}?", "Who does the {s} belong to?", "Whose {s} is it?", "Who is the owner of the {s}?", "What is the name of the owner?",
               "Extract the name of the owner.", "Which person is named with the {s}?", "Find the owner of the {s}."]),
}
EVENT = {
    "time": (clock_time, ["The {s} starts at {v}.", "The {s} is at {v}.", "The {s} begins at {v}.", "Doors for the {s} open at {v}."],
             ["When does the {s} start?", "What time is the {s}?", "At what time does the {s} begin?", "What time does the {s} start?",
              "Extract the time.", "When is the {s}?", "What is the time of the {s}?", "Find the start time."]),
    "day": (lambda c: c.pick(WEEKDAYS), ["The {s} is on {v}.", "The {s} takes place on {v}.", "The {s} will be held on {v}.", "Everyone meets on {v} for the {s}."],
            ["On which day is the {s}?", "What day is the {s}?", "Which day is the {s} on?", "On what day does the {s} take place?",
             "Extract the day.", "What is the day of the {s}?", "Which weekday is the {s}?", "Tell me the day of the {s}."]),
    "place": (place, ["The {s} is in {v}.", "The {s} takes place in {v}.", "The {s} will be held in {v}.", "People travel to {v} for the {s}."],
              ["Where is the {s}?", "Where does the {s} take place?", "In which city is the {s}?", "What is the place of the {s}?",
               "Where will the {s} be held?", "Which city hosts the {s}?", "Extract the place.", "Find the city of the {s}."]),
    "host": (full_name, ["The {s} is led by {v}.", "{v} organizes the {s}.", "The host of the {s} is {v}.", "{v} will speak at the {s}."],
             ["Who leads the {s}?", "Who organizes the {s}?", "Who is the host of the {s}?", "Which person is named for the {s}?",
              "Who is in charge of the {s}?", "What is the name of the person?", "Extract the person's name.", "Who will be at the {s}?"]),
    "room": (lambda c: c.pick(["room ", "hall "]) + c.pick([str(c.num(1, 400)), c.pick(LETTERS), c.pick(LETTERS) + str(c.num(1, 40))]),
             ["The {s} is in {v}.", "Please come to {v} for the {s}.", "The {s} was moved to {v}."],
             ["In which room is the {s}?", "What room is the {s} in?", "Which room should I go to?", "Where is the room for the {s}?",
              "Extract the room.", "Which room is used for the {s}?", "What is the room of the {s}?", "Find the room."]),
    "guests": (lambda c: str(c.num(3, 900)), ["{v} people will come to the {s}.", "The {s} has {v} guests.", "There are {v} seats at the {s}.",
               "The {s} expects {v} visitors."],
               ["How many people come to the {s}?", "How many people are expected at the {s}?", "What is the number given for the {s}?",
                "How many are expected at the {s}?", "Extract the number of people.", "What number of people is mentioned?",
                "Tell me how many people the {s} has.", "How big is the {s}?"]),
    "fee": (money, ["A ticket for the {s} costs {v}.", "The {s} costs {v}.", "Entry to the {s} is {v}."],
            ["How much is a ticket?", "What does the {s} cost?", "How much is the entry?", "What is the price of a ticket?", "Extract the price.",
             "How much does it cost to enter?", "What is the fee?", "Find the price of the {s}."]),
}
EVENTS = split("""meeting|concert|party|workshop|race|lesson|wedding|market|dinner|conference|play|talk|game|festival|exam|fair|picnic|
class|show|match|lecture|parade|interview|contest""")
FIRM = {
    "founded": (lambda c: str(c.num(1850, 2024)), ["{s} was founded in {v}.", "{s} started in {v}.", "{s} has existed since {v}.", "{s} opened in {v}."],
                ["When was {s} founded?", "In which year was {s} founded?", "What year did {s} start?", "When did {s} begin?", "Extract the year.",
                 "What is the founding year of {s}?", "Since when does {s} exist?", "Find the year."]),
    "seat": (place, ["{s} is based in {v}.", "The office of {s} is in {v}.", "{s} has its main office in {v}.", "The headquarters of {s} are in {v}."],
             ["Where is {s} based?", "Where is the office of {s}?", "In which city is {s}?", "What city is {s} based in?", "Where are the headquarters of {s}?",
              "Which city is the main office in?", "Find the city.", "What is the location of {s}?"]),
    "boss": (full_name, ["{s} is led by {v}.", "The head of {s} is {v}.", "{v} is the director of {s}.", "{v} founded {s}.", "{v} runs {s}."],
             ["Who leads {s}?", "Who is the head of {s}?", "Who runs {s}?", "What is the name of the head of {s}?", "Who is the boss of {s}?",
              "Which person leads {s}?", "Extract the name of the person.", "Who is in charge of {s}?"]),
    "staff": (lambda c: str(c.num(3, 9000)), ["{s} has {v} employees.", "{v} people work at {s}.", "{s} employs {v} people."],
              ["How many people work at {s}?", "How many employees does {s} have?", "What is the number of employees?", "How many people does {s} employ?",
               "How big is the team at {s}?", "Extract the number of employees.", "How many workers does {s} have?", "Find the number of employees of {s}."]),
    "makes": (lambda c: c.pick(["shoes", "bicycles", "chairs", "tea", "lamps", "boats", "clocks", "robots", "toys", "paper", "software", "cheese",
                                "guitars", "soap", "maps", "engines", "games", "windows", "paint", "tents"]),
              ["{s} makes {v}.", "{s} sells {v}.", "{s} produces {v}.", "{s} is known for its {v}."],
              ["What does {s} make?", "What does {s} sell?", "What is {s} known for?", "What does {s} produce?", "Which product does {s} make?",
               "What is made by {s}?", "Name the product of {s}.", "What kind of product does {s} have?"]),
    "site": (lambda c: f"{c.pick(['www.', ''])}{made_up(c, 2).lower()}.{c.pick(['com', 'org', 'io', 'net', 'dev'])}",
             ["The website of {s} is {v}.", "You can find {s} at {v}.", "Visit {v} to learn about {s}."],
             ["What is the website of {s}?", "What is the web address of {s}?", "Which website does {s} have?", "Where is {s} on the web?",
              "Extract the website.", "Find the website.", "What is the website?", "Give me the address of the website."]),
    "holiday": (lambda c: f"{c.num(10, 40)} days", ["Employees of {s} get {v} of vacation.", "{s} gives everyone {v} of vacation.",
                "Each worker at {s} receives {v} of leave a year."],
                ["How much vacation do employees get?", "How many days of vacation are there?", "How much leave does {s} give?",
                 "How long is the vacation at {s}?", "How many vacation days do workers get?", "What is the yearly leave?",
                 "How many days off do people at {s} get?", "Find the number of vacation days."]),
}
TOPICS = ((PERSON, full_name), (THING, lambda c: thing(c)), (EVENT, lambda c: c.pick(EVENTS)), (FIRM, company))


def subject_text(c, table):
    for t, maker in TOPICS:
        if t is table:
            return maker(c)
    raise ValueError("extract: unknown table")


def record(c, table, subject=None, size=None):
    """Draws a subject and some of its fields: (subject, {field: value}, sentences)."""
    subject = subject or subject_text(c, table)
    keys = [k for k in table if table[k][1]]
    keys = c.some(keys, min(len(keys), size or c.num(2, 4)))
    fields, sentences = {}, []
    for i, k in enumerate(keys):
        v = table[k][0](c)
        first = subject.split()[0] if table is PERSON and i and c.chance(0.5) else subject
        sentence = c.pick(table[k][1]).replace("{s}", first).replace("{v}", v)
        sentence = sentence.replace(" a a", " an a").replace(" a e", " an e").replace(" a i", " an i").replace(" a o", " an o")
        if v in sentence:
            fields[k] = v
            sentences.append(sentence[0].upper() + sentence[1:])
    return subject, fields, sentences


def filler(c):
    """A sentence that holds no answer."""
    e = c.pick(c.src["with_examples"])
    text = c.pick(e["examples"])
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


def passage(c):
    """Returns a passage, a question about it and the answer."""
    table, _ = c.pick(TOPICS)
    if c.chance(0.55):
        subjects = []
        key = c.pick([k for k in table if table[k][1]])
        while len(subjects) < c.num(2, 3):
            s = subject_text(c, table)
            if s not in subjects:
                subjects.append(s)
        rows, sentences = [], []
        for s in subjects:
            v = table[key][0](c)
            sentence = c.pick([t for t in table[key][1] if "{s}" in t]).replace("{s}", s).replace("{v}", v)
            rows.append((s, v))
            sentences.append(sentence[0].upper() + sentence[1:])
            if c.chance(0.3):
                _, _, extra = record(c, table, s, 1)
                sentences += extra[:1] if extra and not any(v in e for e in extra) else []
        subject, answer = c.pick(rows)
        if [s for s, _ in rows if s == subject][1:] or key == "name":
            return passage(c)
        questions = [q for q in table[key][2] if "{s}" in q]
        text = " ".join(sentences)
        return text, c.ask(questions if len(questions) >= 8 else tuple(questions), s=subject), answer
    subject, fields, sentences = record(c, table)
    if not fields:
        return passage(c)
    key = c.pick(list(fields))
    answer = fields[key]
    if table is PERSON and c.chance(0.1):
        key, answer = "name", subject
        if subject not in " ".join(sentences):
            return passage(c)
    if len([v for v in fields.values() if v == answer]) > 1:
        return passage(c)
    if c.chance(0.35):
        sentences.insert(c.num(0, len(sentences)), filler(c))
    text = " ".join(sentences)
    name_in_question = subject.split()[0] if table is PERSON and c.chance(0.4) else subject
    return text, c.ask(table[key][2], s=name_in_question), answer


LAYOUTS = split("""{t} {q}|{t}\\n\\n{q}|{q}\\n\\n{t}|Text: {t}\\nQuestion: {q}|Passage: {t}\\n\\nQuestion: {q}|{t}\\nQuestion: {q}
Context: {t}\\nQuestion: {q}|Use the context to answer.\\nContext: {t}\\nQuestion: {q}|Use the context to answer. Context: {t} Question: {q}
Read the text and answer the question.\\n\\n{t}\\n\\n{q}|Answer from the text.\\n{t}\\n{q}|{q} Text: {t}|Context: {t}\\n\\nQuestion: {q}\\nAnswer:
Here is a passage: "{t}" {q}|Given this text: {t} {q}|Answer the question using the context below.\\n\\nContext:\\n{t}\\n\\nQuestion: {q}
Use only this information: {t} {q}|{q} {t}|Based on the following text, answer the question. Text: {t} Question: {q}|{q}\\n"{t}"
Read this: {t} Now tell me: {q}|From the passage below, answer: {q}\\n\\n{t}|I have a note. It says: {t} {q}""")


def layout(c, text, question):
    return c.ask(LAYOUTS, t=text, q=question).replace("\\n", "\n")


@task("extract", "extract", 9)
def extract(c):
    text, question, answer = passage(c)
    if c.chance(0.15):
        question = question.lower() if c.chance(0.5) and question.isascii() and not any(ch.isupper() for ch in question[1:]) else question.rstrip("?.")
    return [Turn(layout(c, text, question), answer, noise=False)]


@task("extract_turns", "extract", 1.5)
def extract_turns(c):
    """Two questions about one passage, the second in a turn of its own."""
    table, _ = c.pick(TOPICS)
    subject, fields, sentences = record(c, table, size=4)
    if len(set(fields.values())) < 2:
        return extract_turns(c)
    first, second = c.some(list(fields), 2)
    text = " ".join(sentences)
    return [Turn(layout(c, text, c.ask(table[first][2], s=subject)), fields[first], noise=False),
            Turn(c.ask(table[second][2], s=subject), fields[second], noise=False)]


@task("rag", "extract", 4)
def rag(c):
    """Several numbered or plain chunks, one of which holds the answer."""
    chunks, answer, question = [], None, None
    count = c.num(2, 4)
    target = c.num(0, count - 1)
    used = set()
    for i in range(count):
        table, _ = c.pick(TOPICS)
        subject, fields, sentences = record(c, table, size=c.num(2, 3))
        if subject in used or not fields:
            return rag(c)
        used.add(subject)
        chunks.append(" ".join(sentences))
        if i == target:
            key = c.pick(list(fields))
            questions = [q for q in table[key][2] if "{s}" in q]
            question, answer = c.ask(tuple(questions), s=subject), fields[key]
    if sum(answer in chunk for chunk in chunks) > 1:
        return rag(c)
    style = c.num(0, 3)
    if style == 0:
        body = "\n".join(f"[{i + 1}] {t}" for i, t in enumerate(chunks))
    elif style == 1:
        body = "\n\n".join(chunks)
    elif style == 2:
        body = "\n".join(f"- {t}" for t in chunks)
    else:
        body = "\n".join(f"Document {i + 1}: {t}" for i, t in enumerate(chunks))
    user = c.ask("""Use the context to answer.\\n\\nContext:\\n{t}\\n\\nQuestion: {q}|Context:\\n{t}\\n\\nQuestion: {q}|{t}\\n\\n{q}
        Answer the question with the documents below.\\n\\n{t}\\n\\nQuestion: {q}|Answer from the context only.\\n\\n{t}\\n\\nQuestion: {q}
        Use these notes:\\n{t}\\n\\n{q}|Here are some documents:\\n{t}\\n\\nQuestion: {q}\\nAnswer:|Question: {q}\\n\\nContext:\\n{t}
        Answer using only the following context.\\n{t}\\nQuestion: {q}|Context:\\n{t}\\n\\n{q}""", t=body, q=question).replace("\\n", "\n")
    return [Turn(user, answer, noise=False)]


@task("rag_unknown", "extract", 1.5)
def rag_unknown(c):
    """The passage does not hold the answer."""
    table, _ = c.pick(TOPICS)
    subject, fields, sentences = record(c, table, size=2)
    missing = [k for k in table if k not in fields and table[k][1]]
    if table is PERSON:
        missing = [k for k in missing if k not in ("color", "bag", "food")]
    if table is EVENT and ("place" in fields or "room" in fields):
        missing = [k for k in missing if k not in ("place", "room")]
    if not missing or not fields or (table is EVENT and {"time", "day"} & set(fields)) or (table is THING and {"maker", "owner"} & set(fields)):
        return rag_unknown(c)
    if table is FIRM and "seat" in missing and "site" in fields:
        missing.remove("seat")
    if table is PERSON and {"job", "company"} & set(fields):
        missing = [k for k in missing if k not in ("job", "company")]
    key = c.pick(missing)
    questions = tuple(q for q in table[key][2] if "{s}" in q)
    return [Turn(layout(c, " ".join(sentences), c.ask(questions, s=subject)), "I do not know.", noise=False)]


@task("json_extract", "extract", 2.5)
def json_extract(c):
    table, _ = c.pick(TOPICS)
    subject, fields, sentences = record(c, table, size=c.num(2, 4))
    if not fields:
        return json_extract(c)
    if table is PERSON and subject in " ".join(sentences) and c.chance(0.7):
        fields = {"name": subject, **fields}
    keys = list(fields)
    if len(keys) > 2 and c.chance(0.4):
        keys = [k for k in keys if k in c.some(keys, len(keys) - 1)]
    user = c.ask("""Extract {k} from this text as JSON: {t}|Return JSON with the keys {k}. Text: {t}|Read the text and answer in JSON with {k}.\\n\\n{t}
        {t}\\n\\nGive me {k} as JSON.|Turn this into JSON with the keys {k}: {t}|Text: {t}\\nReturn a JSON object with {k}.
        Make a JSON object with {k} from: {t}|Extract {k} as JSON.\\n\\n{t}|Parse this into JSON ({k}): {t}
        Fill a JSON object with the keys {k} from this text: {t}""", k=join(keys) if c.chance(0.6) else ", ".join(keys),
                 t=" ".join(sentences)).replace("\\n", "\n")
    out = {k: int(fields[k]) if fields[k].isdigit() and not fields[k].startswith("0") and k in ("age", "guests", "staff", "founded") else fields[k]
           for k in keys}
    return [Turn(user, json.dumps(out), noise=False)]


@task("json_make", "formats", 2)
def json_make(c):
    """A JSON object with the keys and values given in the prompt."""
    makers = {"name": name, "age": lambda c: c.num(1, 99), "city": place, "color": lambda c: c.pick(COLORS), "price": lambda c: c.num(1, 500),
              "count": lambda c: c.num(0, 99), "title": lambda c: made_up(c), "id": lambda c: c.num(1, 9999), "email": email, "code": code,
              "animal": pet, "food": dish, "day": lambda c: c.pick(WEEKDAYS), "job": job, "active": lambda c: c.chance(0.5)}
    keys = c.some(list(makers), c.num(1, 4))
    values = {k: makers[k](c) for k in keys}
    shown = lambda v: ("true" if v else "false") if isinstance(v, bool) else str(v)
    pairs = c.pick([join(f"{k} {shown(v)}" for k, v in values.items()), ", ".join(f"{k}: {shown(v)}" for k, v in values.items()),
                    join(f"{k} = {shown(v)}" for k, v in values.items()), ", ".join(f"{k}={shown(v)}" for k, v in values.items())])
    user = c.ask("""Make a JSON object with {p}.|Write JSON with {p}.|Create a JSON object: {p}|Give me JSON for {p}.|Convert to JSON: {p}
        Return a JSON object with {p}.|Turn this into JSON: {p}|JSON with {p}|Please write a JSON object with {p}.
        Format as JSON: {p}""", p=pairs)
    return [Turn(user, json.dumps(values), noise=False)]


@task("letter_case", "formats", 1.5)
def letter_case(c):
    words = c.some(c.src["spelling"] if c.chance(0.5) else c.src["vocabulary"], c.num(1, 5))
    if c.chance(0.4):
        words = [made_up(c) if c.chance(0.5) else w for w in words]
    text = " ".join(words)
    kind = c.num(0, 2)
    if kind == 0:
        user = c.ask("""Write {t} in upper case.|Put {t} in capital letters.|Make this upper case: {t}|Convert to upper case: {t}
            Uppercase: {t}|Change {t} to upper case.|Write this in capitals: {t}|Turn {t} into capital letters.|{t} in upper case
            Capitalize every letter: {t}|Change to upper case: {t}|{t} in capital letters|Make {t} upper case.|Please write {t} in capital letters.|uppercase {t}|Shout: {t}|Change this to upper case: {t}|Change this text to upper case: {t}|Change the words {t} to upper case.|Can you change {t} to capital letters?|Could you write {t} in upper case?
            Transform {t} to upper case.|Turn {t} into upper case.|{t} uppercase""", t=text)
        return [Turn(user, text.upper(), noise=False)]
    if kind == 1:
        shout = text.upper()
        user = c.ask("""Write {t} in lower case.|Put {t} in small letters.|Make this lower case: {t}|Convert to lower case: {t}
            Lowercase: {t}|Change {t} to lower case.|Write this in small letters: {t}|Turn {t} into lower case.|{t} in lower case
            Use only small letters: {t}|Change this to lower case: {t}|Change the words {t} to lower case.|Can you change {t} to small letters?|Could you write {t} in lower case?|Transform {t} to lower case.|Change to lower case: {t}|lowercase {t}""", t=shout)
        return [Turn(user, text.lower(), noise=False)]
    user = c.ask("""Write {t} with capital first letters.|Write {t} in title case.|Title case: {t}|Convert to title case: {t}
        Capitalize each word: {t}|Make each word start with a capital: {t}|Put {t} in title case.|Use title case: {t}|Start every word with a capital letter: {t}|Give each word a capital first letter: {t}|{t} in title case|Capitalize the first letter of each word: {t}""", t=text.lower())
    return [Turn(user, " ".join(w.capitalize() for w in text.split()), noise=False)]


@task("repeat", "formats", 2.5)
def repeat(c):
    r = c.rng.random()
    if r < 0.2:
        text = " ".join(c.some(c.src["spelling"], c.num(1, 7)))
    elif r < 0.4:
        text = " ".join(c.some(c.src["vocabulary"], c.num(1, 7)))
    elif r < 0.6:
        text = filler(c)
    elif r < 0.8:
        text = c.pick([code, email, full_name, phone, company])(c)
    else:
        text = " ".join(made_up(c) for _ in range(c.num(1, 4)))
    user = c.ask("""Repeat after me: {t}|Say: {t}|Repeat: {t}|Repeat this: {t}|Copy this text: {t}|Write exactly this: {t}|Echo: {t}
        Say exactly: {t}|Please repeat: {t}|Type this: {t}|Repeat the following: {t}|Write: {t}""", t=text)
    return [Turn(user, text, noise=False)]


@task("repeat_times", "formats", 0.8)
def repeat_times(c):
    w = c.word(c.src["vocabulary"])
    n = c.num(2, 6)
    times = {2: "two times", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}[n] if c.chance(0.5) else f"{n} times"
    user = c.ask("""Say {w} {n}.|Write {w} {n}.|Repeat the word {w} {n}.|Repeat {w} {n}.|Type {w} {n}.|Write the word {w} {n}.
        Can you say {w} {n}?|Please say {w} {n}.|{w}, {n}|Print {w} {n}.|Give me the word {w} {n}.|Write down {w} {n}.|Repeat the following word {n}: {w}|Type the word {w} {n}.|Say the word {w} {n}.|Please write the word {w} {n}.|Write {n}: {w}|Can you write {w} {n}?|Write out {w} {n}.|Put down {w} {n}.""", w=w, n=times)
    return [Turn(user, " ".join([w] * n), noise=False)]


@task("pick_word", "formats", 1.2)
def pick_word(c):
    words = c.some(c.src["vocabulary"], c.num(3, 6))
    i = c.num(0, len(words) - 1)
    order = ["first", "second", "third", "fourth", "fifth", "sixth"][i]
    if i == len(words) - 1 and c.chance(0.6):
        order = "last"
    user = c.ask("""What is the {o} word: {t}|Which word is {o}: {t}|Give me the {o} word of: {t}|The {o} word in this list: {t}
        {t}. What is the {o} word?|Tell me the {o} word: {t}|Pick the {o} word: {t}|Find the {o} item: {t}|From {t} take the {o} word.""",
                 o=order, t=", ".join(words))
    return [Turn(user, words[i], noise=False)]


REVIEWS = {
    "positive": split("""I love this {t}.|The {t} works very well.|What a great {t}!|This {t} is excellent.|I am very happy with the {t}.
The {t} is the best I ever had.|A wonderful {t}, I would buy it again.|The {t} is beautiful and easy to use.|Great quality and a fair price.
The {t} made my day.|I enjoyed the {t} a lot.|Friendly service and a lovely {t}.|The {t} arrived early and works perfectly."""),
    "negative": split("""I hate this {t}.|The {t} broke after one day.|What a terrible {t}!|This {t} is useless.|I am very unhappy with the {t}.
The {t} is the worst I ever had.|A bad {t}, I want my money back.|The {t} is ugly and hard to use.|Poor quality and far too expensive.
The {t} ruined my day.|I did not enjoy the {t} at all.|Rude service and an awful {t}.|The {t} arrived late and does not work."""),
}


@task("sentiment", "formats", 1.5)
def sentiment(c):
    mood = c.pick(["positive", "negative"])
    text = c.pick(REVIEWS[mood]).replace("{t}", thing(c))
    if c.chance(0.3):
        text += " " + c.pick(REVIEWS[mood]).replace("{t}", thing(c))
    user = c.ask("""Is this review positive or negative? {t}|Positive or negative: {t}|Classify the sentiment: {t}|What is the sentiment of this text? {t}
        Is this positive or negative? "{t}"|Review: {t} Is it positive or negative?|Sentiment: {t}|Tell me if this is positive or negative: {t}
        Decide whether the text is positive or negative. {t}|{t} Is that positive or negative?""", t=text)
    return [Turn(user, mood.capitalize() + ".", mood)]
