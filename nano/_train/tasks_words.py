# SPDX-License-Identifier: Apache-2.0
"""Meanings (WordNet), spelling, grammar and word lists."""

from common import ASK_NP, Turn, article, join, split, task

MEANING = split("""What does {w} mean?|What does the word {w} mean?|Define {w}.|What is the meaning of {w}?|{w} meaning
Give me the definition of {w}.|Explain the word {w}.|What is the definition of {w}?|Tell me what {w} means.
Can you define {w}?|What does "{w}" mean?|Please explain what {w} means.|define {w}|Define the word "{w}".
I do not know the word {w}. What does it mean?|What is meant by {w}?|Could you define the word {w}?
Meaning of {w}?|Do you know what {w} means?|How would you define {w}?|What do people mean by {w}?
Explain what {w} means.|In simple words, what does {w} mean?|What's the meaning of {w}?|{w}: what does it mean?|Explain {w}.|Explain to me what {w} means.|Can you explain what {w} means?|Explain the meaning of {w}.|Could you explain what {w} means?|what is {w}|Tell me the meaning of {w}.
what does {w} mean|Say what {w} means.|Please tell me what {w} means.""")
WHAT_IS = split("""What is {a}?|What's {a}?|What is {a}|Tell me what {a} is.|Can you tell me what {a} is?|Explain what {a} is.
Do you know what {a} is?|Describe {a}.|What exactly is {a}?|Please tell me what {a} is.|So, what is {a}?
Say what {a} is.|I want to know what {a} is.|Could you explain what {a} is?|what are {p}?|What are {p}?|Please explain what {a} is.|Can you explain what {a} is?|Explain to me what {a} is.|Could you tell me what {a} is?|Do you know {a}?
what is {a} exactly|Would you explain what {a} is?|what's {a}""")


def plural(c, word):
    known = {"child": "children", "person": "people", "man": "men", "woman": "women", "foot": "feet", "mouse": "mice",
             "tooth": "teeth", "goose": "geese", "ox": "oxen", "sheep": "sheep", "deer": "deer", "fish": "fish",
             "leaf": "leaves", "wolf": "wolves", "knife": "knives", "wife": "wives", "life": "lives", "loaf": "loaves",
             "half": "halves", "shelf": "shelves", "thief": "thieves", "calf": "calves", "scarf": "scarves",
             "potato": "potatoes", "tomato": "tomatoes", "hero": "heroes", "echo": "echoes", "cactus": "cacti"}
    if word in known:
        return known[word]
    if word.endswith("man") and len(word) > 5:
        return word[:-3] + "men"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def define(e):
    gloss = e["gloss"]
    if e["kind"] == "noun":
        return f"{e['word'].capitalize()} means {gloss}."
    if e["kind"] == "verb":
        return f"To {e['word']} means to {gloss[3:] if gloss.startswith('to ') else gloss}."
    return f"{e['word'].capitalize()} means {gloss}."


@task("meaning", "wordnet", 6)
def meaning(c):
    e = c.pick(c.src["wordnet"])
    if e["kind"] == "noun" and c.chance(0.35):
        user = c.ask(WHAT_IS, a=article(e["word"]), p=plural(c, e["word"]))
    else:
        user = c.ask(MEANING, w=e["word"])
    return [Turn(user, define(e))]


@task("example_sentence", "wordnet", 2, exact=False)
def example_sentence(c):
    e = c.pick(c.src["with_examples"])
    user = c.ask("""Use {w} in a sentence.|Use the word {w} in a sentence.|Write a sentence with {w}.|Make a sentence with {w}.
        Give me a sentence with the word {w}.|Can you use {w} in a sentence?|Show me a sentence that uses {w}.
        Give an example sentence for {w}.|Please write a sentence using {w}.|Put {w} into a sentence.|{w} in a sentence
        Write one sentence using the word "{w}".|Example sentence with {w}?""", w=e["word"])
    text = c.pick(e["examples"])
    text = text[0].upper() + text[1:]
    return [Turn(user, text if text[-1] in ".!?" else text + ".")]


@task("kind_of", "wordnet", 1.5, exact=False)
def kind_of(c):
    e = c.pick(c.src["with_kinds"])
    user = c.ask("""Name a kind of {w}.|Give me a kind of {w}.|What is one kind of {w}?|Tell me a type of {w}.|Name one type of {w}.
        Give an example of a kind of {w}.|Can you name a kind of {w}?|What is an example of {w}?|Name a sort of {w}.
        I need a kind of {w}.""", w=e["word"])
    k = c.pick(e["kinds"])
    return [Turn(user, f"{k.capitalize()} is a kind of {e['word']}.", k)]


@task("is_kind_of", "wordnet", 1.5)
def is_kind_of(c):
    e = c.pick(c.src["with_parents"])
    p = e["parents"][0]
    user = c.ask("""What kind of thing is {a}?|What type of thing is {a}?|What sort of thing is {a}?|{a} is a kind of what?
        What category does {a} belong to?|Which group does {a} belong to?|What kind of group is {a} in?|What is {a} an example of?|Under which category is {a}?|What is {a} a kind of?|Classify {a}.
        Tell me what kind of thing {a} is.|What kind of thing would you call {a}?""", a=article(e["word"]))
    return [Turn(user, f"{article(e['word']).capitalize()} is a kind of {p}.", p)]


@task("synonym", "wordnet", 1.5)
def synonym(c):
    e = c.pick(c.src["with_synonyms"])
    user = c.ask("""What is another word for {w}?|Give me a synonym for {w}.|Name a synonym of {w}.|What is a synonym of {w}?
        Another word for {w}?|synonym for {w}|What word means the same as {w}?|Find a synonym for {w}.|Synonym of {w}?
        Can you give me another word for {w}?|What else can I say instead of {w}?""", w=e["word"])
    s = e["synonyms"][0]
    return [Turn(user, f"Another word for {e['word']} is {s}.", s)]


@task("word_kind", "wordnet", 0.7)
def word_kind(c):
    e = c.pick(c.src["wordnet"])
    kind = {"noun": "a noun", "verb": "a verb", "adj": "an adjective"}[e["kind"]]
    user = c.ask("""Is {w} a noun, a verb or an adjective?|What part of speech is {w}?|What kind of word is {w}?
        Which part of speech is the word {w}?|Tell me the part of speech of {w}.|part of speech of {w}
        Is the word {w} a noun or a verb or an adjective?|{w}: noun, verb or adjective?|Is {w} a noun?|Which kind of word is {w}?|What sort of word is {w}?|Tell me what kind of word {w} is.|What word class is {w}?|Name the part of speech of {w}.""", w=e["word"])
    if user.lower().startswith(f"is {e['word']} a noun?"):
        answer = "Yes" if e["kind"] == "noun" else "No"
        return [Turn(user, f"{answer}. {e['word'].capitalize()} is {kind}.", answer)]
    return [Turn(user, f"{e['word'].capitalize()} is {kind}.", kind.split()[1])]


OPPOSITES = split("""hot:cold|big:small|tall:short|fast:slow|happy:sad|light:dark|up:down|left:right|in:out|open:closed|day:night|
    old:young|new:old|rich:poor|hard:soft|wet:dry|early:late|high:low|near:far|full:empty|strong:weak|clean:dirty|
    good:bad|right:wrong|true:false|first:last|always:never|love:hate|war:peace|win:lose|push:pull|buy:sell|begin:end|
    start:stop|give:take|laugh:cry|loud:quiet|thick:thin|wide:narrow|deep:shallow|heavy:light|sweet:sour|sharp:dull|
    smooth:rough|brave:cowardly|beautiful:ugly|easy:difficult|cheap:expensive|inside:outside|before:after|above:below|
    summer:winter|north:south|east:west|friend:enemy|question:answer|long:short|safe:dangerous|asleep:awake|alive:dead|
    polite:rude|simple:complex|same:different|remember:forget|arrive:leave|find:lose|black:white|hello:goodbye|
    yes:no|man:woman|boy:girl|king:queen|brother:sister|mother:father|top:bottom|front:back|noisy:quiet|kind:cruel|
    generous:selfish|increase:decrease|accept:refuse|success:failure|warm:cool|bright:dim|tight:loose|calm:nervous|
    ancient:modern|public:private|guilty:innocent|arrival:departure|victory:defeat|profit:loss|maximum:minimum""".replace("\n", ""))


@task("opposite", "words", 2)
def opposite(c):
    if c.chance(0.75):
        a, b = c.pick(OPPOSITES).split(":")
    else:
        a, b = c.pick(c.src["antonym_pairs"])
    user = c.ask("""What is the opposite of {w}?|opposite of {w}|Give me the opposite of {w}.|Name the opposite of {w}.|{w} opposite
        What's the opposite of {w}?|What word is the opposite of {w}?|Tell me the opposite of {w}.|Opposite of {w}?
        Can you tell me the opposite of {w}?|What is the antonym of {w}?|Find the opposite of the word {w}.
        Which word means the opposite of {w}?|Give an antonym for {w}.|The opposite of {w} is what?""", w=a)
    return [Turn(user, f"The opposite of {a} is {b}.", b)]


@task("plural", "words", 1.5)
def plural_task(c):
    w = c.pick(c.src["countable"])
    user = c.ask("""What is the plural of {w}?|plural of {w}|Give me the plural of {w}.|What's the plural form of {w}?|Plural of {w}?
        Write the plural of {w}.|Tell me the plural of {w}.|How do you make {w} plural?|One {w}, two what?
        What do you call more than one {w}?|Make {w} plural.|Can you tell me the plural of {w}?""", w=w)
    return [Turn(user, f"The plural of {w} is {plural(c, w)}.", plural(c, w))]


IRREGULAR = dict(p.split(":") for p in split("""go:went|be:was|have:had|do:did|say:said|see:saw|come:came|take:took|get:got|give:gave|make:made|know:knew|think:thought|find:found|
tell:told|become:became|leave:left|feel:felt|bring:brought|begin:began|keep:kept|hold:held|write:wrote|stand:stood|hear:heard|let:let|mean:meant|meet:met|run:ran|pay:paid|sit:sat|speak:spoke|
lead:led|grow:grew|lose:lost|fall:fell|send:sent|build:built|understand:understood|draw:drew|break:broke|spend:spent|cut:cut|rise:rose|drive:drove|buy:bought|wear:wore|choose:chose|eat:ate|
drink:drank|sing:sang|swim:swam|fly:flew|sleep:slept|teach:taught|catch:caught|win:won|throw:threw|fight:fought|forget:forgot|ride:rode|steal:stole|sell:sold|shake:shook|hide:hid|blow:blew|
bite:bit|wake:woke|freeze:froze|ring:rang|sink:sank|hit:hit|put:put|read:read|shut:shut|walk:walked|play:played|jump:jumped|cook:cooked|work:worked|talk:talked|look:looked|live:lived""".replace("\n", "")))


@task("past_tense", "words", 1.5)
def past_tense(c):
    if c.chance(0.5):
        w = c.pick(list(IRREGULAR))
        past = IRREGULAR[w]
    else:
        w = c.pick(c.src["verbs"])
        past = IRREGULAR.get(w, c.src["past"][w])
    user = c.ask("""What is the past tense of {w}?|past tense of {w}|Give me the past tense of {w}.|What's the past tense of {w}?
        Past tense of {w}?|Write {w} in the past tense.|Tell me the past tense of {w}.|Today I {w}. Yesterday I what?
        Put {w} in the past tense.|How do you say {w} in the past tense?|What is {w} in the past?""", w=w)
    return [Turn(user, f"The past tense of {w} is {past}.", past)]


@task("spell", "words", 2)
def spell(c):
    w = c.word(c.src["spelling"] if c.chance(0.5) else c.src["vocabulary"])
    user = c.ask("""Spell {w}.|Spell the word {w}.|How do you spell {w}?|Can you spell {w}?|Please spell {w}.|spell {w}
        Spell out {w}.|What is the spelling of {w}?|Spell {w} letter by letter.|Write {w} letter by letter.
        How is {w} spelled?|Tell me how to spell {w}.|spell the word {w}|how do you spell {w}|Spell: {w}|{w} spelling|Can you spell the word {w} for me?|Split {w} into letters.|How do I spell {w}?|How would you spell {w}?|I want to spell {w}. How?|How does one spell {w}?|Please spell the word {w}.|Spell "{w}".|how to spell {w}""", w=w)
    return [Turn(user, "-".join(w), noise=False)]


@task("letters", "words", 1.5)
def letters(c):
    w = c.word(c.src["spelling"] if c.chance(0.5) else c.src["vocabulary"])
    kind = c.num(0, 2)
    if kind == 0:
        user = c.ask("""How many letters are in {w}?|How many letters are in the word {w}?|Count the letters in {w}.|{w}: how many letters?
            How many letters does {w} have?|How long is the word {w}?|What is the number of letters in {w}?
            Tell me how many letters {w} has.|Letters in {w}?|How many letters are there in {w}?|What is the length of the word {w}?|Length of {w}?|Number of letters in {w}|How many letters does the word {w} contain?|How long is {w}? I mean the word.|How long is the word "{w}"?|How many letters does {w} contain?|How long in letters is {w}?|How many letters make up {w}?|What's the length of {w}?|letters in {w}
            How many letters does "{w}" have?""", w=w)
        return [Turn(user, f"{'-'.join(w)}. {w.capitalize()} has {len(w)} letters.", str(len(w)))]
    first = kind == 1
    user = c.ask("""What is the {o} letter of {w}?|{o} letter of {w}?|Which letter is {o} in {w}?|Give me the {o} letter of {w}.
        What letter does {w} {v} with?|Tell me the {o} letter of the word {w}.|What's the {o} letter in {w}?
        The word {w} {v}s with which letter?|Name the {o} letter of {w}.|Find the {o} letter in {w}.""", w=w,
                 o="first" if first else "last", v="start" if first else "end")
    return [Turn(user, (w[0] if first else w[-1]))]


@task("reverse", "words", 1.5)
def reverse(c):
    w = c.word(c.src["short_spelling"] if c.chance(0.6) else c.src["short_vocabulary"])
    user = c.ask("""Reverse the word {w}.|Spell {w} backwards.|Write {w} backwards.|What is {w} backwards?|reverse {w}
        Reverse {w}.|Can you reverse {w}?|Turn {w} around.|How do you write {w} in reverse?|Say {w} backwards.
        What do you get if you reverse {w}?|Please reverse the word {w}.|Reverse: {w}|reverse the word {w}|{w} backwards|{w} in reverse|Reverse this word: {w}|Can you spell {w} backwards?|Write the word {w} backwards.|What is the reverse of {w}?|Show me {w} backwards.|Flip the word {w}.|Please reverse {w}.|Could you reverse {w}?""", w=w)
    return [Turn(user, f"{'-'.join(w)}, reversed: {'-'.join(reversed(w))}. {w[::-1]}", w[::-1], noise=False)]


@task("sort_words", "words", 1)
def sort_words(c):
    words = c.some(c.src["vocabulary"], c.num(3, 5))
    text = ", ".join(words)
    user = c.ask("""Sort these words alphabetically: {v}|Put these words in alphabetical order: {v}|Sort {v} alphabetically.
        Alphabetical order: {v}|Order these words from A to Z: {v}|Arrange {v} in alphabetical order.
        Can you sort these words: {v}?|Sort the words {v}.|Sort these words: {v}|Put {v} in alphabetical order.|Sort alphabetically: {v}|Write {v} in alphabetical order.|alphabetize {v}|Please sort alphabetically: {v}|List these words alphabetically: {v}|Arrange these words in alphabetical order: {v}|Arrange alphabetically: {v}|Arrange the words {v} alphabetically.|Please sort these words: {v}|Could you arrange {v} alphabetically?|Order alphabetically: {v}|Rearrange {v} in alphabetical order.""", v=text)
    return [Turn(user, ", ".join(sorted(words)))]


@task("count_words", "words", 0.8)
def count_words(c):
    words = c.some(c.src["vocabulary"], c.num(2, 8))
    user = c.ask("""How many words are in this list: {v}?|Count the words: {v}|How many items are here: {v}?|How many words: {v}?
        Count these: {v}|How many things are in this list? {v}|Tell me how many words there are: {v}
        What is the number of words in: {v}?|How many words do you see: {v}?|How many things are listed here: {v}?|Count the items in this list: {v}|How long is this list: {v}?
        {v}: how many words?|How many items does this list have? {v}|Count how many words there are: {v}|How many entries are in the list {v}?|List: {v}. How many items?
        Tell me the number of items: {v}|count {v}|How many things are in {v}?|How many words are in this list? {v}|How many are in this list? {v}|In this list, how many things are there? {v}|How many items are there? {v}|How many things are there in the list {v}?""", v=", ".join(words))
    numbered = ", ".join(f"{i + 1} {w}" for i, w in enumerate(words))
    return [Turn(user, f"{numbered}. There are {len(words)} words.", str(len(words)))]


RHYMES = split("""cat:hat|dog:fog|sun:fun|tree:bee|star:car|moon:spoon|house:mouse|light:night|day:play|rain:train|cake:lake|ball:tall|
    book:look|king:ring|boat:goat|blue:shoe|bed:red|snow:glow|fox:box|frog:log|bear:chair|sea:tea|sky:fly|name:game|
    hill:mill|nest:best|top:shop|sand:hand|heart:start|dream:stream|bell:well|gold:cold|wind:pinned|time:lime|
    rose:nose|fish:dish|pig:wig|hen:pen|bug:rug|cow:now|mind:kind|song:long|green:queen|love:dove|stone:phone""".replace("\n", ""))


@task("rhyme", "words", 0.8)
def rhyme(c):
    a, b = c.pick(RHYMES).split(":")
    if c.chance(0.4):
        a, b = b, a
    user = c.ask("""What rhymes with {w}?|Give me a word that rhymes with {w}.|Name a rhyme for {w}.|rhyme with {w}|Find a rhyme for {w}.
        What is a word that rhymes with {w}?|Tell me a word that rhymes with {w}.|Which word rhymes with {w}?
        Can you think of a rhyme for {w}?|I need a rhyme for {w}.""", w=a)
    return [Turn(user, f"{b.capitalize()} rhymes with {a}.", b)]


DAYS = split("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday")
MONTHS = split("January|February|March|April|May|June|July|August|September|October|November|December")


@task("calendar", "words", 2)
def calendar(c):
    names, what = (DAYS, "day") if c.chance(0.5) else (MONTHS, "month")
    i = c.num(0, len(names) - 1)
    after = c.chance(0.5)
    w = "after" if after else "before"
    other = names[(i + (1 if after else -1)) % len(names)]
    user = c.ask("""What {k} comes {w} {n}?|Which {k} is {w} {n}?|What {k} is {w} {n}?|What comes {w} {n}?|{k} {w} {n}?
        Tell me the {k} {w} {n}.|Name the {k} that comes {w} {n}.|Which {k} comes right {w} {n}?
        What is the {k} {w} {n}?|The {k} {w} {n} is what?""", k=what, w=w, n=names[i])
    return [Turn(user, f"{other} comes {w} {names[i]}.", other)]


@task("calendar_list", "words", 0.6)
def calendar_list(c):
    if c.chance(0.5):
        user = c.ask("""Name the days of the week.|List the days of the week.|What are the days of the week?|days of the week
            Tell me the seven days of the week.|Can you list the days of the week?|Give me the days of the week.
            Which days are in a week?|Say the days of the week.""")
        return [Turn(user, join(DAYS) + ".")]
    if c.chance(0.5):
        user = c.ask("""Name the months of the year.|List the months.|What are the months of the year?|months of the year
            Tell me the twelve months.|Can you list the months of the year?|Give me the months of the year.
            Which months are in a year?|Say the months of the year in order.""")
        return [Turn(user, join(MONTHS) + ".")]
    i = c.num(0, 11)
    n = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"][i]
    user = c.ask("""What is the {n} month of the year?|Which month is the {n}?|Name the {n} month.|{n} month of the year
        Tell me the {n} month of the year.|What's the {n} month?|Which is the {n} month of the year?
        What month is number {i}?|What is month number {i}?""", n=n, i=i + 1)
    return [Turn(user, f"The {n} month is {MONTHS[i]}.", MONTHS[i])]


LISTS = {
    "animals": split("cat|dog|horse|cow|lion|tiger|bear|fox|rabbit|elephant|wolf|sheep|mouse|owl|deer|monkey|zebra|goat"),
    "fruits": split("apple|banana|orange|pear|grape|cherry|mango|lemon|peach|plum|kiwi|melon|strawberry|pineapple"),
    "vegetables": split("carrot|potato|onion|tomato|cabbage|pea|bean|spinach|broccoli|leek|pumpkin|celery|cucumber"),
    "colors": split("red|blue|green|yellow|orange|purple|black|white|brown|pink|gray"),
    "birds": split("owl|eagle|robin|crow|sparrow|swan|duck|parrot|penguin|pigeon|goose|hawk"),
    "flowers": split("rose|tulip|daisy|lily|violet|sunflower|orchid|iris|poppy|daffodil"),
    "musical instruments": split("piano|violin|guitar|flute|drum|trumpet|harp|cello|clarinet|saxophone"),
    "jobs": split("teacher|doctor|farmer|baker|nurse|pilot|driver|cook|painter|carpenter|writer|gardener"),
    "clothes": split("shirt|hat|coat|dress|sock|shoe|scarf|glove|jacket|skirt|sweater"),
    "drinks": split("water|milk|tea|coffee|juice|lemonade|cocoa"),
    "tools": split("hammer|saw|screwdriver|drill|wrench|axe|shovel|pliers"),
    "trees": split("oak|pine|birch|maple|willow|ash|elm|beech|fir|cedar"),
    "countries": split("France|Spain|Italy|Germany|Japan|China|India|Brazil|Canada|Egypt|Kenya|Mexico|Norway|Peru"),
    "planets": split("Mercury|Venus|Earth|Mars|Jupiter|Saturn|Uranus|Neptune"),
    "sports": split("football|tennis|swimming|running|basketball|hockey|cycling|rowing|skiing|golf"),
    "shapes": split("circle|square|triangle|rectangle|oval|star|cube|sphere"),
    "insects": split("ant|bee|butterfly|beetle|fly|moth|wasp|grasshopper|ladybug"),
    "furniture": split("table|chair|bed|sofa|desk|shelf|wardrobe|stool|bench|cupboard"),
}
COUNTS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


@task("list_items", "formats", 3, exact=False)
def list_items(c):
    kind = c.pick(list(LISTS))
    n = c.num(2, 6)
    items = c.some(LISTS[kind], n)
    user = c.ask("""Name {n} {k}.|List {n} {k}.|Give me {n} {k}.|Tell me {n} {k}.|Can you name {n} {k}?|What are {n} {k}?
        Write down {n} {k}.|Please list {n} {k}.|I need {n} {k}.|Give me a list of {n} {k}.|Name {n} different {k}.
        Could you list {n} {k}?|{n} {k}|Think of {n} {k}.""", n=COUNTS[n] if c.chance(0.6) else n, k=kind)
    style = c.num(0, 4)
    if style == 0:
        user += c.pick([" Use a numbered list.", " Number them.", " As a numbered list.", " Make a numbered list."])
        return [Turn(user, "\n".join(f"{i + 1}. {w.capitalize()}" for i, w in enumerate(items)))]
    if style == 1:
        user += c.pick([" Use bullet points.", " As a bullet list.", " Use a bulleted list.", " In bullet points."])
        return [Turn(user, "\n".join(f"- {w.capitalize()}" for w in items))]
    if style == 2:
        user += c.pick([" As a JSON array.", " Answer as a JSON array.", " Use JSON.", " Return a JSON list."])
        return [Turn(user, "[" + ", ".join(f'"{w}"' for w in items) + "]")]
    text = join(items)
    return [Turn(user, text[0].upper() + text[1:] + ".")]


@task("category", "words", 1.5)
def category(c):
    kind = c.pick(["animals", "fruits", "vegetables", "colors", "birds", "flowers", "musical instruments", "jobs", "clothes",
                   "drinks", "tools", "trees", "countries", "planets", "sports", "shapes", "insects", "furniture"])
    one = {"clothes": "piece of clothing", "furniture": "piece of furniture", "countries": "country",
           "musical instruments": "musical instrument"}.get(kind, kind[:-1])
    w = c.pick(LISTS[kind])
    if c.chance(0.5):
        other = c.pick([k for k in LISTS if k not in (kind, "clothes", "furniture", "countries")])
        other_one = "musical instrument" if other == "musical instruments" else other[:-1]
        if {kind, other} == {"animals", "birds"} or {kind, other} == {"animals", "insects"} or w in LISTS[other]:
            other_one = "color" if kind != "colors" and w != "orange" else "planet"
        a, b = (one, other_one) if c.chance(0.5) else (other_one, one)
        user = c.ask("""Is {w} {a} or {b}?|Is {w} {a}, or is it {b}?|What is {w}: {a} or {b}?|{w}: {a} or {b}?
            Which is {w}, {a} or {b}?|Would you call {w} {a} or {b}?|Tell me if {w} is {a} or {b}.|Decide: is {w} {a} or {b}?""",
                     w=w, a=article(a), b=article(b))
    else:
        user = c.ask("""Which category does {w} belong to?|What category is {w}?|Classify the word: {w}|Category of {w}?
            Put {w} into a category.|In which category is {w}?|What group does {w} belong to?|Name the category of {w}.""", w=w)
    return [Turn(user, f"{w[0].upper() + w[1:]} is {article(one)}.", one)]


@task("odd_one_out", "words", 0.8)
def odd_one_out(c):
    kinds = c.some(["fruits", "colors", "jobs", "tools", "planets", "insects", "furniture", "musical instruments", "sports"], 2)
    items = c.some([w for w in LISTS[kinds[0]] if w != "orange"], 3)
    odd = c.pick([w for w in LISTS[kinds[1]] if w != "orange"])
    words = items + [odd]
    c.rng.shuffle(words)
    user = c.ask("""Which word does not belong: {v}?|Find the odd one out: {v}|Which is the odd one out: {v}?|What does not fit: {v}?
        Odd one out: {v}|Which of these does not belong? {v}|Pick the one that is different: {v}
        Which word is different from the others: {v}?|Tell me the odd one out: {v}|Which one does not fit? {v}|Which does not belong here: {v}?|One of these does not belong: {v}
        {v}: which one does not fit?|Which of these words is the odd one out? {v}|What does not belong in this list: {v}?|Which of the words does not fit: {v}|Find the word that does not belong: {v}
        Remove the word that does not fit: {v}|Which of these is different: {v}?|Which of these words is different? {v}|Which of the words is the odd one out? {v}|The odd one out of these words: {v}
        Which word is the odd one out? {v}|Of these words, which does not belong? {v}|Say which word does not fit: {v}""", v=", ".join(words))
    return [Turn(user, f"{odd[0].upper() + odd[1:]} does not belong. The others are {kinds[0]}.", odd)]


def plain_definition(c):
    """A definition written alone, as in a small dictionary."""
    e = c.pick(c.src["wordnet"])
    text = define(e)
    if e["examples"] and c.chance(0.5):
        example = c.pick(e["examples"])
        text += f" For example: {example[0].upper() + example[1:]}."
    return text
