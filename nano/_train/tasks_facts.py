# SPDX-License-Identifier: Apache-2.0
"""Facts of the world: countries, elements, animals, translations and general knowledge."""

from common import ASK_NP, Turn, article, join, split, task
from facts_data import (ANIMALS, ELEMENTS, GENERAL, GROUPS, LANGUAGES, PLANETS, SCALE, TRANSLATIONS)

FAMOUS = split("""France|Germany|Italy|Spain|Portugal|United Kingdom|Ireland|Netherlands|Belgium|Switzerland|Austria|Poland|Sweden|Norway|Denmark|
Finland|Greece|Turkey|Russia|Ukraine|China|Japan|India|South Korea|Thailand|Vietnam|Indonesia|Australia|New Zealand|Canada|United States|Mexico|
Brazil|Argentina|Chile|Peru|Colombia|Egypt|Kenya|Nigeria|South Africa|Morocco|Israel|Saudi Arabia|Iran|Iraq|Pakistan|Cuba|Hungary|Czech Republic""")
NEED_THE = ("United States", "Netherlands", "United Kingdom", "Philippines", "Bahamas", "Maldives", "Gambia",
            "United Arab Emirates", "Central African Republic", "Democratic Republic of the Congo", "Republic of the Congo",
            "Dominican Republic", "Czech Republic", "Solomon Islands", "Marshall Islands", "Comoros", "Seychelles")
ALIASES = {"United States": ("the USA", "the US", "America", "the United States of America"), "United Kingdom": ("the UK", "Britain", "Great Britain"),
           "Czech Republic": ("Czechia",), "United Arab Emirates": ("the UAE",), "Democratic Republic of the Congo": ("DR Congo",),
           "Turkey": ("Türkiye",), "Cape Verde": ("Cabo Verde",), "Netherlands": ("Holland", "Netherlands")}


def the(name):
    return "the " + name if name in NEED_THE else name


def called(c, name):
    if name in ALIASES and c.chance(0.4):
        return c.pick(ALIASES[name])
    return the(name) if c.chance(0.9) else name


def country(c, famous=0.4):
    if c.chance(famous):
        return c.src["by_country"][c.pick(FAMOUS)]
    return c.pick(c.src["countries"])


def up(text):
    return text[:1].upper() + text[1:]


CAPITAL = split("""What is the capital of {c}?|What's the capital of {c}?|capital of {c}|Capital of {c}?|Name the capital of {c}.|{c} capital
What is the capital city of {c}?|Which city is the capital of {c}?|Tell me the capital of {c}.|Do you know the capital of {c}?|the capital of {c}
Can you tell me the capital of {c}?|What city is the capital of {c}?|{c}'s capital?|Give me the capital of {c}.|What is {c}'s capital?
I need to know the capital of {c}.|Please tell me the capital of {c}.|The capital of {c} is what?|What is the capital of {c}
Could you tell me what the capital of {c} is?|Which city is {c}'s capital?|I forgot the capital of {c}.|Quick question: what is the capital of {c}?
What is the name of the capital of {c}?|Where is the government of {c}? I mean its capital.|Say the capital of {c}.|whats the capital of {c}
Hi, what is the capital of {c}?|Remind me of the capital of {c}.|If I visit {c}, what is its capital?|The capital city of {c}?|{c} capital city|{c} capital?|{c}: capital?|{c}'s capital city?|What would be {c}'s capital?
{c}'s capital is what?|{c} capital please|Name {c}'s capital.|Tell me {c}'s capital.|{c} - capital?|{c}'s capital is called?|capital city of {c}|capital of {c}?|capital {c}""")


def capital_turn(c, row):
    name, capital = row["name"], row["capital"]
    return Turn(c.ask(CAPITAL, c=called(c, name)), f"The capital of {the(name)} is {capital}.", capital)


@task("capital", "facts", 7)
def capital(c):
    return [capital_turn(c, country(c))]


@task("capital_follow", "facts", 1.5)
def capital_follow(c):
    turns = [capital_turn(c, country(c, 0.7))]
    for _ in range(c.num(1, 2)):
        row = country(c, 0.7)
        user = c.ask("""And of {c}?|And {c}?|What about {c}?|And the capital of {c}?|How about {c}?|And for {c}?|Now {c}.|Okay, and {c}?|{c}?""",
                     c=called(c, row["name"]))
        turns.append(Turn(user, f"The capital of {the(row['name'])} is {row['capital']}.", row["capital"]))
    return turns


@task("capital_back", "facts", 2.5)
def capital_back(c):
    row = country(c)
    user = c.ask("""{x} is the capital of which country?|Which country has {x} as its capital?|{x} is the capital of what country?
        What country is {x} the capital of?|Of which country is {x} the capital?|Which country's capital is {x}?|Whose capital is {x}?
        Tell me which country has the capital {x}.|In which country is {x} the capital?|{x} is the capital of?|Name the country whose capital is {x}.
        What country has {x} as its capital?|Which country is {x} in?|Where is {x}?|Where is the city {x}?|Tell me where {x} is.|where is {x}|In what country is {x}?|The city {x} is in which country?|In which country is {x}?|What country is {x} in?""", x=row["capital"])
    if any(part in user.lower() for part in (" in?", "where", "in which country is", "in what country is", "in which country?")) and "capital" not in user:
        return [Turn(user, f"{row['capital']} is in {the(row['name'])}.", row["name"])]
    return [Turn(user, f"{row['capital']} is the capital of {the(row['name'])}.", row["name"])]


@task("capital_yes_no", "facts", 1.5)
def capital_yes_no(c):
    row, other = country(c, 0.6), country(c, 0.6)
    truth = c.chance(0.5) or row is other
    said = row["capital"] if truth else other["capital"]
    user = c.ask("""Is {x} the capital of {c}?|True or false: {x} is the capital of {c}.|Is it true that {x} is the capital of {c}?
        {x} is the capital of {c}, right?|Is the capital of {c} {x}?|Is {c}'s capital {x}?|Yes or no: is {x} the capital of {c}?
        Am I right that {x} is the capital of {c}?|Tell me if {x} is the capital of {c}.|Is {c}'s capital city {x}?|Is the capital city of {c} {x}?|Would you say {x} is {c}'s capital?
        Does {c} have the capital {x}?|Is {x} {c}'s capital?|Is {x} {c}'s capital city?|{c}'s capital is {x}, right?|Is it {x} that is the capital of {c}?""", x=said, c=the(row["name"]))
    words = ("True", "False") if user.startswith("True") else ("Yes", "No")
    answer = words[0] if said == row["capital"] else words[1]
    return [Turn(user, f"{answer}. The capital of {the(row['name'])} is {row['capital']}.", answer)]


@task("continent", "facts", 2)
def continent(c):
    row = country(c)
    user = c.ask("""Which continent is {c} in?|What continent is {c} in?|On which continent is {c}?|In which continent is {c}?|{c} continent
        What is the continent of {c}?|Tell me the continent of {c}.|Where in the world is {c}?|Which continent does {c} belong to?
        Is {c} in Europe, Asia, Africa, America or Oceania?|Name the continent of {c}.|{c} is on which continent?|Where is {c}?""",
                 c=called(c, row["name"]))
    return [Turn(user, f"{up(the(row['name']))} is in {row['continent']}.", row["continent"])]


@task("currency", "facts", 1.5)
def currency(c):
    row = country(c)
    if not row["currency"]:
        return currency(c)
    user = c.ask("""What is the currency of {c}?|Which currency is used in {c}?|What money do they use in {c}?|currency of {c}|{c} currency
        What currency does {c} use?|Tell me the currency of {c}.|Name the currency of {c}.|How do people pay in {c}?
        What is the money of {c} called?|Which currency do I need in {c}?|What's the currency in {c}?""", c=called(c, row["name"]))
    return [Turn(user, f"The currency of {the(row['name'])} is the {row['currency']}.", row["currency"])]


@task("language", "facts", 1.5)
def language(c):
    row = country(c)
    if not row["languages"]:
        return language(c)
    lang = row["languages"][0]
    user = c.ask("""What language is spoken in {c}?|Which language do people speak in {c}?|What language do they speak in {c}?|{c} language
        What is the main language of {c}?|Which language is spoken in {c}?|Tell me the language of {c}.|language of {c}
        Name the language spoken in {c}.|What do people speak in {c}?|What is the language of {c}?""", c=called(c, row["name"]))
    return [Turn(user, f"In {the(row['name'])} people speak {lang}.", lang)]


@task("state_capital", "facts", 1.2)
def state_capital(c):
    state, city = c.pick(c.src["states"])
    if c.chance(0.75):
        user = c.ask(CAPITAL, c=state)
        return [Turn(user, f"The capital of {state} is {city}.", city)]
    user = c.ask("""{x} is the capital of which state?|Which US state has {x} as its capital?|{x} is the capital of what state?
        What state is {x} the capital of?|Of which state is {x} the capital?|Which state's capital is {x}?
        Name the US state whose capital is {x}.|Which American state has the capital {x}?""", x=city)
    return [Turn(user, f"{city} is the capital of {state}.", state)]


def np_fact(c, question, answer, short):
    return [Turn(c.ask(ASK_NP, np=question), answer, short)]


@task("element", "facts", 1.5)
def element(c):
    number, symbol, name = c.pick(ELEMENTS)
    if c.chance(0.4):
        number, symbol, name = c.pick([e for e in ELEMENTS if e[2] in ("hydrogen", "helium", "oxygen", "gold", "silver", "iron", "carbon",
                                       "sodium", "nitrogen", "copper", "lead", "mercury", "tin", "uranium", "zinc", "chlorine")])
    kind = c.num(0, 2)
    if kind == 0:
        return np_fact(c, c.pick(["the chemical symbol for {n}", "the symbol of {n}", "the chemical symbol of {n}", "the symbol for {n}"]).replace("{n}", name),
                       f"The chemical symbol for {name} is {symbol}.", symbol)
    if kind == 1:
        return np_fact(c, c.pick(["the atomic number of {n}", "the number of protons in {n}"]).replace("{n}", name),
                       f"The atomic number of {name} is {number}.", str(number))
    user = c.ask("""Which element has the symbol {s}?|What element is {s}?|{s} is the symbol of which element?|What does {s} stand for in chemistry?
        What is the element {s}?|Name the element with the symbol {s}.|Which chemical element is {s}?|Chemical symbol {s} means what?""", s=symbol)
    return [Turn(user, f"{symbol} is the symbol for {name}.", name, noise=False)]


@task("animal_young", "facts", 1.5)
def animal_young(c):
    animal, young, sound, home = c.pick(ANIMALS)
    kind = c.num(0, 2)
    if kind == 0 and young:
        user = c.ask("""What is a baby {a} called?|What do you call a baby {a}?|What is the young of {b} called?|baby {a} name
            What is the name for a baby {a}?|Name the young of {b}.|How do you call a young {a}?|Tell me what a baby {a} is called.
            What is a young {a} called?|A baby {a} is called what?""", a=animal, b=article(animal))
        return [Turn(user, f"A baby {animal} is called {article(young)}.", young)]
    if kind == 1 and sound:
        user = c.ask("""What sound does {b} make?|What does {b} say?|What noise does {b} make?|{a} sound|How does {b} sound?
            Which sound does {b} make?|Tell me the sound of {b}.|What is the sound of {b}?|What do {a} noises sound like?""", a=animal, b=article(animal))
        return [Turn(user, f"{up(article(animal))} says {sound}.", sound)]
    if home:
        user = c.ask("""Where does {b} live?|Where do {a}s live?|What is the home of {b} called?|In what does {b} live?|Where would I find {b}?
            What is the home of {b}?|Tell me where {b} lives.|What kind of home does {b} have?|{b} lives where?""", a=animal, b=article(animal))
        return [Turn(user, f"{up(article(animal))} lives in {home}.", home)]
    return animal_young(c)


@task("animal_group", "facts", 0.8)
def animal_group(c):
    animals, group = c.pick(GROUPS)
    user = c.ask("""What is a group of {a} called?|What do you call a group of {a}?|A group of {a} is called what?|Name a group of {a}.
        group of {a}|What is the word for a group of {a}?|How do you call many {a} together?|Tell me what a group of {a} is called.
        What is the name for a group of {a}?""", a=animals)
    return [Turn(user, f"A group of {animals} is called {article(group)}.", group)]


@task("translate", "facts", 4)
def translate(c):
    row = c.pick(TRANSLATIONS)
    i = c.num(1, 4)
    lang, word, english = LANGUAGES[i - 1], row[i], row[0]
    if c.chance(0.72):
        user = c.ask("""How do you say {w} in {l}?|Translate {w} into {l}.|What is {w} in {l}?|What is the {l} word for {w}?|{w} in {l}
            Translate {w} to {l}.|What's {w} in {l}?|Tell me the {l} word for {w}.|How do I say {w} in {l}?|say {w} in {l}
            Can you translate {w} into {l}?|Give me the {l} word for {w}.|{l} word for {w}?|What is the {l} for {w}?
            How would you say {w} in {l}?|Translate into {l}: {w}|Please translate the word {w} into {l}.|{l} for {w}""",
                     w=english if c.chance(0.8) else f'"{english}"', l=lang)
        return [Turn(user, f"{up(english)} in {lang} is {word}.", word)]
    user = c.ask("""What does {w} mean in English?|Translate {w} into English.|What is {w} in English?|What does the {l} word {w} mean?
        Translate the {l} word {w} to English.|{w} in English|What is the English word for {w}?|What does {w} mean in {l}?
        What is the meaning of {w} in {l}?|Translate from {l} to English: {w}|How do you say the {l} word {w} in English?|{l} word {w} in English|The {l} word {w} means what?|Translate {w} from {l} into English.|Tell me what {w} means in {l}.
            In {l}, what does {w} mean?|What does {w} mean in {l}?|Meaning of the {l} word {w}?""", w=word, l=lang)
    return [Turn(user, f"{up(word)} is {lang} for {english}.", english, noise=False)]


@task("general", "facts", 9)
def general(c):
    questions, answer, short = c.pick(GENERAL)
    q = c.pick(questions)
    if q.startswith("the ") or q.startswith("a "):
        return np_fact(c, q, answer, short)
    r = c.rng.random()
    if r < 0.55:
        user = q
    elif r < 0.9:
        low = q[0].lower() + q[1:]
        user = c.ask("""Tell me: {q}|Do you know: {q}|Can you tell me: {q}|Quick question: {q}|Question: {q}|I have a question. {Q}|Hey, {q}
            Please answer: {q}|I wonder: {q}|Hi! {Q}|Simple question: {q}|Answer this: {q}|Okay, {q}|{Q}""", q=low, Q=q)
    else:
        user = q.rstrip("?")
    return [Turn(user, answer, short)]


COLOR_OF = split("""the sky:blue|grass:green|snow:white|a banana:yellow|coal:black|blood:red|a lemon:yellow|milk:white|a tomato:red|the sea:blue|
a carrot:orange|a crow:black|a frog:green|chocolate:brown|a pumpkin:orange|a swan:white|a strawberry:red|a leaf:green|the night sky:black|a cucumber:green""".replace("\n", ""))


@task("color_yes_no", "facts", 0.8)
def color_yes_no(c):
    what, color = c.pick(COLOR_OF).split(":")
    said = color if c.chance(0.5) else c.pick(["blue", "green", "white", "yellow", "black", "red", "orange", "brown", "pink"])
    if c.chance(0.4):
        user = c.ask("""What color is {w}?|Which color is {w}?|What is the color of {w}?|{w} color|Tell me the color of {w}.|Which color does {w} have?
            What color does {w} have?|Name the color of {w}.|Do you know the color of {w}?""", w=what)
        return [Turn(user, f"{up(what)} is {color}.", color)]
    user = c.ask("""Is {w} {s}?|True or false: {w} is {s}.|Is it true that {w} is {s}?|Yes or no: is {w} {s}?|Is the color of {w} {s}?|{w} is {s}, right?
        Would you say that {w} is {s}?|Tell me, is {w} {s}?|Do you think {w} is {s}?|Right or wrong: {w} is {s}. Yes or no?|{w} is {s}, isn't it?|{w} is {s}?|Is {w} {s} or not?
        Am I right that {w} is {s}?|{w} is {s}, correct?|Is the usual color of {w} {s}?|Can you tell me if {w} is {s}?""", w=what, s=said)
    words = ("True", "False") if user.startswith("True") else ("Yes", "No")
    answer = words[0] if said == color else words[1]
    return [Turn(user, f"{answer}. {up(what)} is {color}.", answer)]


@task("planets", "facts", 0.8)
def planets(c):
    i = c.num(0, 7)
    order = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"][i]
    if c.chance(0.3):
        user = c.ask("""Name the planets.|List the planets of the solar system.|What are the planets?|Name the eight planets.|planets in order
            What are the planets in our solar system?|List the planets in order from the sun.|Tell me the planets.|Which planets are there?""")
        return [Turn(user, join(PLANETS) + ".")]
    if c.chance(0.5):
        return np_fact(c, f"the {order} planet from the sun", f"The {order} planet from the sun is {PLANETS[i]}.", PLANETS[i])
    user = c.ask("""Which planet is {p} from the sun, counting outwards? I mean its place: what number is {p}?|What number is {p} from the sun?
        What place does {p} have counting from the sun?|Is {p} a planet or a star?|Which planet number is {p}?|{p} is which planet from the sun?
        What is the position of {p} from the sun?|How far out is {p}: which planet from the sun?|Tell me the place of {p} from the sun.""", p=PLANETS[i])
    if "star" in user:
        return [Turn(user, f"{PLANETS[i]} is a planet.", "planet")]
    return [Turn(user, f"{PLANETS[i]} is the {order} planet from the sun.", order)]


@task("scale", "facts", 0.8)
def scale(c):
    """Compares two things by size or speed."""
    kind, items = c.pick(SCALE)
    i, j = sorted(c.some(range(len(items)), 2))
    more, less = kind.split("/")
    big, small = items[j], items[i]
    a, b = (big, small) if c.chance(0.5) else (small, big)
    w = more if c.chance(0.6) else less
    best = big if w == more else small
    user = c.ask("""Which is {w}, {a} or {b}?|What is {w}: {a} or {b}?|{a} or {b}, which is {w}?|Is {a} or {b} {w}?|Which one is {w}, {a} or {b}?
        Tell me which is {w}, {a} or {b}.|Of {a} and {b}, which is {w}?|Who is {w}, {a} or {b}?|Between {a} and {b}, which is {w}?""",
                 w=w, a=article(a), b=article(b))
    other = small if best == big else big
    return [Turn(user, f"{up(article(best))} is {w} than {article(other)}.", best)]
