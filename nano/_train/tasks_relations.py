# SPDX-License-Identifier: Apache-2.0
"""More copying from the prompt: any named value, any kind of value, and who did what to whom."""

import json

import tasks_extract as x
from common import Turn, article, join, split, task

ATTRIBUTES = {
    "code": (x.code, split("""invoice number|order number|serial number|ticket number|booking code|tracking number|model number|license plate|room code|
password|door code|reference number|case number|part number|flight number|account number|passport number|product code|version|customer number|PIN|
project code|parcel number|member ID|user ID|build number|gate|badge number""".replace("\n", ""))),
    "money": (x.money, split("total|total price|amount due|fee|rent|salary|deposit|ticket price|discount|shipping cost|budget|price|tax|bill|fine|balance|bonus")),
    "person": (x.full_name, split("""project lead|manager|author|director|teacher|owner|captain|guide|contact person|speaker|winner|driver|chairman|mayor|doctor|
editor|chef|artist|coach|president|secretary|customer|sender|maintainer|designer|host|leader|founder|landlord|assistant|boss|organizer""".replace("\n", ""))),
    "date": (x.date, split("due date|deadline|start date|end date|delivery date|release date|date|date of birth|departure date|closing date|next meeting|exam date|launch date")),
    "time": (x.clock_time, split("opening time|closing time|start time|departure time|arrival time|check-in time|lunch time|boarding time|time")),
    "place": (x.place, split("city|location|address|destination|venue|meeting point|birthplace|office|headquarters|port|station|capital|hometown|region|branch")),
    "firm": (x.company, split("company|supplier|publisher|sponsor|client|manufacturer|bank|airline|hotel|school|team|brand|partner|vendor")),
    "email": (x.email, split("email|email address|contact email|support address|contact address|support email")),
    "phone": (x.phone, split("phone number|telephone number|mobile number|fax number|emergency number|hotline|contact number")),
    "number": (lambda c: str(c.num(2, 9999)), split("""number of guests|number of pages|capacity|population|speed|height|distance|size|weight|quantity|
number of rooms|number of seats|score|temperature|page|limit|port|number of users|area code|length""".replace("\n", ""))),
    "color": (lambda c: c.pick(x.COLORS), split("color|wall color|background color|roof color|car color|color of the door")),
    "thing": (lambda c: c.word(c.src["spelling"]), split("topic|subject|main ingredient|secret word|keyword|prize|material|title|theme|dessert|category|status|symbol|magic word|name")),
}
KINDS = list(ATTRIBUTES)


def attribute(c):
    """Returns (name of the attribute, value, is it a person)."""
    kind = c.pick(KINDS)
    make, names = ATTRIBUTES[kind]
    if c.chance(0.2):
        return c.word(c.src["countable"]) + c.pick(["", " number", " code", " name", " price"]), make(c), False
    return c.pick(names), make(c), kind == "person"


def statement(c, name, value, owner):
    if owner and c.chance(0.5):
        return c.pick([f"The {name} of {owner} is {value}.", f"{owner} has the {name} {value}.", f"For {owner} the {name} is {value}."])
    return c.pick([f"The {name} is {value}.", f"The {name} is {value}.", f"Our {name} is {value}.", f"The {name} was {value}.", f"Its {name} is {value}.",
                   f"{value} is the {name}.", f"The {name} will be {value}.", f"Please note that the {name} is {value}.", f"The current {name} is {value}."])


ASK_ATTRIBUTE = split("""What is the {n}?|What is the {n}?|Tell me the {n}.|Extract the {n}.|Find the {n}.|What's the {n}?|Give me the {n}.|{n}?
Which {n} is given?|Can you find the {n}?|What {n} is mentioned?|I need the {n}.|Please give me the {n}.|What was the {n}?|Name the {n}.|Look up the {n}.""")


@task("attributes", "extract", 8)
def attributes(c):
    """Several named values in sentences, a list or one line."""
    rows, owner = {}, None
    if c.chance(0.25):
        owner = c.pick([x.full_name, x.company, x.place])(c)
    people = set()
    while len(rows) < c.num(2, 5):
        name, value, person = attribute(c)
        if name not in rows and not any(name in r or r in name for r in rows):
            rows[name] = value
            if person:
                people.add(name)
    if len(set(rows.values())) < len(rows):
        return attributes(c)
    style = c.num(0, 5)
    if style <= 2:
        text = " ".join(s[0].upper() + s[1:] for s in (statement(c, n, v, owner) for n, v in rows.items()))
    elif style == 3:
        items = [f"the {n} is {v}" for n, v in rows.items()]
        text = join(items) + "."
        text = text[0].upper() + text[1:]
    elif style == 4:
        text = "\n".join(f"{n[0].upper() + n[1:]}: {v}" for n, v in rows.items())
    else:
        text = ", ".join(f"{n}: {v}" for n, v in rows.items())
    if owner and owner not in text:
        text = f"{c.pick(['Notes about', 'Information about', 'Details of', 'About'])} {owner}: " + text
    if style <= 2 and c.chance(0.3):
        text = c.pick([x.filler(c) + " " + text, text + " " + x.filler(c)])
    turns = []
    for i, name in enumerate(c.some(list(rows), 2 if c.chance(0.15) else 1)):
        question = f"Who is the {name}?" if name in people and c.chance(0.6) else c.ask(ASK_ATTRIBUTE, n=name)
        turns.append(Turn(x.layout(c, text, question) if i == 0 else question, rows[name], noise=False))
    return turns


@task("attributes_json", "extract", 1.5)
def attributes_json(c):
    """Some of the named values as a JSON object."""
    rows = {}
    for _ in range(c.num(2, 5)):
        name, value, _ = attribute(c)
        rows[name] = value
    if c.chance(0.5):
        rows = {**dict(c.some([("name", x.full_name(c)), ("age", str(c.num(2, 99))), ("city", x.place(c)), ("email", x.email(c)), ("price", x.money(c)), ("job", x.job(c))], c.num(2, 4))),
                **dict(list(rows.items())[:1])}
    keys = [k for k in rows if c.chance(0.6)] or list(rows)
    c.rng.shuffle(keys)
    if c.chance(0.5):
        text = "\n".join(f"{n[0].upper() + n[1:]}: {v}" for n, v in rows.items())
    else:
        text = " ".join(s[0].upper() + s[1:] for s in (statement(c, n, v, None) for n, v in rows.items()))
    shown = join(keys) if c.chance(0.6) else ", ".join(keys)
    user = c.ask("""{t}\\n\\nReturn the {k} as JSON.|{t}\\n\\nGive me {k} as JSON.|Extract {k} as JSON: {t}|Extract {k} as JSON.\\n\\n{t}|Return {k} as JSON.\\n{t}|{t}\\nAnswer in JSON with the keys {k}.
        Text: {t}\\nReturn a JSON object with the keys {k}.|Read this and return JSON with {k}: {t}|{t} Write {k} as a JSON object.|JSON with {k} from this text: {t}""", t=text, k=shown).replace("\\n", "\n")
    return [Turn(user, json.dumps({k: int(rows[k]) if k == "age" else rows[k] for k in keys}), noise=False)]


@task("attributes_unknown", "extract", 0.8)
def attributes_unknown(c):
    """The asked value is not in the text."""
    rows = dict(attribute(c)[:2] for _ in range(3))
    asked = attribute(c)[0]
    if any(asked in r or r in asked for r in rows) or asked in ("name", "number", "date", "time", "price", "address", "location", "city"):
        return attributes_unknown(c)
    text = " ".join(statement(c, n, v, None) for n, v in rows.items())
    return [Turn(x.layout(c, text, c.ask(ASK_ATTRIBUTE, n=asked)), "I do not know.", noise=False)]


FIND = {
    "email": (x.email, split("email|email address|e-mail address"), split("""Please contact {v} for details.|Write to {v}.|Send your answer to {v} by Friday.|Questions? {v}
If you need help, {v} is the right address.|My address is {v}.|Mail {v} and ask for a copy.|You can reach us at {v}.|Contact: {v}""")),
    "phone": (x.phone, split("phone number|telephone number|number to call"), split("""Call {v} for details.|Ring us at {v}.|My number is {v}.|Please phone {v} after lunch.
For help dial {v}.|You can reach me on {v}.|Phone: {v}|If nobody answers, try {v}.|Our line {v} is open all day.""")),
    "price": (x.money, split("price|amount|sum of money"), split("""It costs {v}.|We paid {v} for it.|I bought it for {v}.|The bill was {v}.|You owe me {v}.|Only {v} today!
She sold it for {v}.|He earned {v}.|They spent {v} on food.""")),
    "date": (x.date, split("date|day"), split("""We met on {v}.|The party is on {v}.|See you on {v}.|It happened on {v}.|The shop opens on {v}.|He left on {v}.|They arrived on {v}.
The letter is from {v}.|On {v} the school is closed.""")),
    "year": (lambda c: str(c.num(1500, 2040)), split("year"), split("""It was built in {v}.|In {v} the war ended.|She was born in {v}.|The book is from {v}.|We moved here in {v}.|The bridge opened in {v}.
It all began in {v}.|Since {v} much has changed.""")),
    "name": (x.full_name, split("name|name of the person|person's name|person"), split("""{v} opened the door.|I met {v} yesterday.|Then {v} began to sing.|We asked {v} for help.|The letter was from {v}.
{v} is coming tonight.|Yesterday {v} won a prize.|Do you know {v}?|The song was written by {v}.|It was {v} who called.""")),
    "code": (x.code, split("code|number|ID"), split("""Use {v} to log in.|The box is marked {v}.|Your order {v} is on its way.|Enter {v} at the door.|Ticket {v} is closed.|Look for the label {v}.
We fixed {v} today.|Please quote {v}.""")),
    "city": (x.place, split("city|place|name of the city"), split("""We flew to {v}.|I grew up in {v}.|The train stops in {v}.|She studied in {v}.|It is raining in {v}.|They met in {v}.|He drove to {v}.
The museum in {v} is closed.""")),
    "company": (x.company, split("company|name of the company|firm"), split("""She works for {v}.|{v} makes new phones.|He got a letter from {v}.|They sold the shop to {v}.|{v} is hiring.|I ordered it from {v}.
The offer came from {v}.|Everyone at {v} was friendly.""")),
    "time": (x.clock_time, split("time|hour"), split("""We start at {v}.|The bus leaves at {v}.|Come at {v}.|Dinner is at {v}.|I woke up at {v}.|The shop closes at {v}.|Meet me at {v}.|It began at {v}.""")),
}


@task("find", "extract", 4)
def find(c):
    """Finds a value by its kind."""
    key = c.pick(list(FIND))
    make, names, sentences = FIND[key]
    value = make(c)
    sentence = c.pick(sentences).replace("{v}", value)
    sentence = sentence[0].upper() + sentence[1:] if not sentence.startswith(value) else sentence
    parts = [sentence]
    for _ in range(c.num(0, 2)):
        if c.chance(0.5):
            parts.insert(c.num(0, len(parts)), x.filler(c))
        else:
            other = c.pick([k for k in FIND if k not in (key, "code", "year", "date", "time", "city", "company", "name")])
            if not (key == "code" and other == "phone"):
                parts.insert(c.num(0, len(parts)), c.pick(FIND[other][2]).replace("{v}", FIND[other][0](c)))
    name = c.pick(names)
    user = c.ask("""Extract the {n}: {t}|Find the {n} in this text: {t}|What is the {n} in this text? {t}|Which {n} is mentioned here? {t}|{t} What is the {n}?
        Extract the {n} from the text: {t}|Give me the {n}: {t}|{t}\\n\\nExtract the {n}.|{n}: {t}|Text: {t}\\nFind the {n}.|What {n} does the text mention? {t}
        Read the text and return the {n}.\\n\\n{t}|Pull out the {n}: {t}|{t}\\nWhich {n} do you see?""", n=name, t=" ".join(parts)).replace("\\n", "\n")
    return [Turn(user, value, noise=False)]


RELATIONS = [
    ("{A} sold a {t} to {B} for {m}.", (("Who sold the {t}?", "A"), ("Who bought the {t}?", "B"), ("What did {A} sell?", "at"), ("How much did {B} pay?", "m"), ("How much did the {t} cost?", "m"))),
    ("{A} met {B} in {p} on {d}.", (("Who met {B}?", "A"), ("Whom did {A} meet?", "B"), ("Where did they meet?", "p"), ("When did they meet?", "d"), ("Where did {A} meet {B}?", "p"))),
    ("{X} was released in {y} by {f}.", (("When was {X} released?", "y"), ("Who released {X}?", "f"), ("What was released?", "X"), ("In which year was {X} released?", "y"), ("What did {f} release?", "X"))),
    ("The book {X} was written by {A} in {y}.", (("Who wrote {X}?", "A"), ("When was {X} written?", "y"), ("Who is the author?", "A"), ("What is the name of the book?", "X"), ("Which book did {A} write?", "X"))),
    ("{A} gave {B} a {t}.", (("Who gave the {t}?", "A"), ("Who got the {t}?", "B"), ("What did {A} give {B}?", "at"), ("What did {B} get?", "at"), ("Who received the {t}?", "B"))),
    ("{A} is married to {B}, and they live in {p}.", (("Who is married to {A}?", "B"), ("Where do they live?", "p"), ("Who is {A} married to?", "B"), ("Where does {A} live?", "p"))),
    ("{f} was bought by {g} for {m}.", (("Who bought {f}?", "g"), ("How much did {g} pay?", "m"), ("Which company was bought?", "f"), ("What was the price of {f}?", "m"))),
    ("{A} moved from {p} to {q} in {y}.", (("Where did {A} move to?", "q"), ("Where did {A} live before?", "p"), ("When did {A} move?", "y"), ("Who moved to {q}?", "A"), ("Where is {A} now?", "q"))),
    ("{A}, the {j} of {f}, visited {p}.", (("Who visited {p}?", "A"), ("Where did {A} go?", "p"), ("What is {A}'s job?", "j"), ("Which company does {A} work for?", "f"), ("Which city did {A} visit?", "p"))),
    ("The train from {p} to {q} leaves at {h}.", (("When does the train leave?", "h"), ("Where does the train go?", "q"), ("Where does the train start?", "p"), ("At what time does the train leave?", "h"))),
    ("{A} and {B} founded {f} in {p}.", (("Which company did they found?", "f"), ("Where was {f} founded?", "p"), ("What did {A} found?", "f"), ("Who founded {f} with {B}?", "A"), ("Who founded {f} with {A}?", "B"))),
    ("{A} won the prize, and {B} came second.", (("Who won the prize?", "A"), ("Who came second?", "B"), ("Who won?", "A"), ("Who was first?", "A"))),
    ("{A} teaches {k} in {p}.", (("What does {A} teach?", "k"), ("Where does {A} teach?", "p"), ("Who teaches {k}?", "A"), ("Which subject does {A} teach?", "k"))),
    ("The {t} is behind the {u}, and the {w} is under it.", (("Where is the {t}?", "bu"), ("What is behind the {u}?", "tt"), ("What is under it?", "tw"))),
    ("{A} has {n} {t}s, but {B} has only {i}.", (("How many {t}s does {A} have?", "n"), ("How many {t}s does {B} have?", "i"), ("How many does {A} have?", "n"), ("How many does {B} have?", "i"))),
    ("The {t} was invented by {A} in {y} in {p}.", (("Who invented the {t}?", "A"), ("When was the {t} invented?", "y"), ("Where was the {t} invented?", "p"), ("What did {A} invent?", "tt"))),
    ("{X} is {i} kilometers from {p}.", (("How far is {X} from {p}?", "ik"), ("What is {i} kilometers from {p}?", "X"), ("How far away is {X}?", "ik"))),
    ("{f} needs {i} days to deliver the {t} to {A}.", (("How long does {f} need?", "id"), ("Who gets the {t}?", "A"), ("Which company delivers the {t}?", "f"), ("What does {f} deliver?", "tt"))),
    ("{X} is a {j} from {p} who plays the {t}.", (("Where is {X} from?", "p"), ("What is {X}'s job?", "j"), ("What does {X} play?", "tt"), ("Who plays the {t}?", "X"))),
    ("{A} was born in {p} in {y} and died in {q}.", (("Where was {A} born?", "p"), ("When was {A} born?", "y"), ("Where did {A} die?", "q"), ("In which year was {A} born?", "y"))),
]


@task("relations", "extract", 6)
def relations(c):
    """Who did what: two or three sentences, one question."""
    texts, asked = [], None
    count = c.num(1, 3)
    target = c.num(0, count - 1)
    for i, (sentence, questions) in enumerate(c.some(RELATIONS, count)):
        t, u, w = c.some(c.src["countable"], 3)
        s = {"A": x.full_name(c), "B": x.full_name(c), "X": c.pick([x.name, x.place, lambda c: x.made_up(c, 2)])(c), "p": x.place(c), "q": x.place(c), "t": t, "u": u, "w": w,
             "m": x.money(c), "d": x.date(c), "y": str(c.num(1500, 2040)), "f": x.company(c), "g": x.company(c), "j": x.job(c), "h": x.clock_time(c),
             "k": c.pick(["music", "history", "math", "chemistry", "art", "English", "physics", "dance", "biology", "geography"]), "n": str(c.num(40, 900)), "i": str(c.num(2, 39))}
        s.update({"at": article(t), "tt": "the " + t, "tw": "the " + w, "bu": "behind the " + u, "ik": s["i"] + " kilometers", "id": s["i"] + " days"})
        if len({s["A"].split()[0], s["B"].split()[0]}) < 2 or s["p"] == s["q"] or s["f"] == s["g"]:
            return relations(c)
        fill = lambda text: replace_all(text, s)
        text = fill(sentence).replace("was written by", c.pick(["was written by", "is by"]))
        text = fix(text)
        texts.append(text[0].upper() + text[1:])
        if i == target:
            question, key = c.pick(questions)
            asked = fix(fill(question)), s[key]
    return [Turn(x.layout(c, " ".join(texts), asked[0]), asked[1], noise=False)]


def replace_all(text, slots):
    for key, value in slots.items():
        text = text.replace("{" + key + "}", value)
    return text


def fix(text):
    for v in "aeio":
        text = text.replace(f" a {v}", f" an {v}")
    return text
