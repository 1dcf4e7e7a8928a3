# SPDX-License-Identifier: Apache-2.0
"""Stories and poems from a grammar, and the prose of the books."""

import functools

import tasks_extract as x
from common import Turn, article, join, split, task
from story_plots import ENDINGS, HAIKU, MOMENTS, OPENINGS, PLOTS, POEM

KINDS = split("""fox|fox|fox|rabbit|bear|mouse|owl|cat|dog|wolf|hedgehog|frog|squirrel|duck|lion|elephant|dragon|knight|princess|prince|robot|girl|boy|
turtle|penguin|horse|pig|goat|donkey|crow|otter|badger|deer|giant|witch|wizard|fairy|king|queen|pirate|ghost|monster|unicorn|mermaid|bee|
ladybug|snail|spider|sheep|hen|goose|monkey|tiger|whale|fish|dolphin|kitten|puppy|child|farmer|baker|sailor|teacher|tailor|shepherd|gardener|
snowman|dwarf|elf|troll|parrot|swan|beaver|mole|butterfly|caterpillar|bat|raccoon|kangaroo|panda|koala|camel|giraffe|zebra|crab|octopus""".replace("\n", ""))
LONG_KINDS = split("""lighthouse keeper|old sailor|paper boat|snow queen|toy soldier|little robot|polar bear|old man|old woman|sea captain|school bus|teddy bear|
tin soldier|space traveler|magic carpet|rain cloud|garden gnome|fire truck|ice cream seller|bus driver|train driver|night owl|field mouse|wooden horse|
talking tree|flying fish|red fox|black cat|white rabbit|baby elephant|young wolf|golden goose|guinea pig|sea turtle|time traveler|hot air balloon""".replace("\n", ""))
HERO_NAMES = split("""Lily|Tom|Mia|Finn|Ruby|Max|Rosie|Oliver|Bella|Leo|Pip|Hugo|Nora|Sam|Daisy|Felix|Clara|Toby|Ella|Oscar|Lucy|Milo|Poppy|Theo|
Molly|Jack|Anna|Barnaby|Willow|Otto|Hazel|Bruno|Ivy|Rufus|Penny|Jasper|Luna|Basil|Tilly|Gus|Maya|Ned|Freya|Albert|Dora|Fred|Greta|Henry|Ida|Jonas""".replace("\n", ""))
GIRLS = set(split("Lily|Mia|Ruby|Rosie|Bella|Nora|Daisy|Clara|Ella|Lucy|Poppy|Molly|Anna|Willow|Hazel|Ivy|Penny|Luna|Tilly|Maya|Freya|Dora|Greta|Ida"))
SHE_KINDS = {"princess", "girl", "witch", "fairy", "queen", "mermaid", "hen"}
HE_KINDS = {"prince", "boy", "knight", "wizard", "king", "snowman", "shepherd"}
TRAITS = split("brave|kind|clever|curious|small|shy|cheerful|gentle|lonely|friendly|lazy|proud|quiet|merry|wise|young|funny|careful|hungry|dreamy|stubborn|polite")
HOMES = split("""in a small house by the river|at the edge of a dark forest|in a cozy hut on a hill|near a quiet lake|in a village by the sea|under an old oak tree
high up in the mountains|in a green valley|behind the old mill|on a small farm|in a little town|in a castle on a hill|next to a big garden|on an island far away
at the end of a long road|in the middle of a meadow""")
PLACES = split("""in the forest|by the river|on the hill|in the meadow|near the old bridge|behind the mill|by the lake|at the edge of the wood|in the old garden
on the beach|in the valley|near the castle|in the field|by the sea|under the big oak|on the mountain""")
OBJECTS = split("""key|ring|lamp|bell|book|hat|cup|clock|mirror|crown|feather|drum|box|coin|stone|kite|ball|lantern|button|flute|scarf|spoon|basket|picture|
necklace|pot|shell|whistle|candle|doll""".replace("\n", ""))
FOODS = split("bread|cheese|soup|cake|honey|pie|porridge|bread and butter|jam|fruit")
FRUITS = split("apples|nuts|berries|cherries|plums|pears|golden apples|oranges")
SKILLS = split("swim|fly|sing|dance|paint|read|whistle|climb|play the drum|skate|juggle|bake bread|write poems|play the violin|ride a horse")
FRIENDS = split("""mouse|rabbit|owl|bear|cat|dog|hedgehog|frog|squirrel|duck|turtle|goat|donkey|crow|otter|badger|deer|sheep|hen|goose|bird|snail|beaver|mole|
butterfly|fox|wolf|pig|horse|lion|monkey|fish|elephant|swan|bee|lizard|sparrow|robin|toad|raccoon""".replace("\n", ""))


@functools.lru_cache(maxsize=None)
def beats(plot):
    return [split_lines(b) for b in PLOTS[plot].split("\n\n")]


@functools.lru_cache(maxsize=None)
def split_lines(block):
    return tuple(t.strip() for t in block.strip().splitlines() if t.strip())


def pronouns(c, name, kind):
    she = kind in SHE_KINDS or (kind not in HE_KINDS and (name in GIRLS if name in HERO_NAMES else c.chance(0.5)))
    return ("she", "her", "her", "herself") if she else ("he", "him", "his", "himself")


def make_story(c, kind, name=None, plot=None, thing=None, place=None, friend=None, trait=None):
    """Writes one story of about 60 to 200 words."""
    plot = plot or c.pick(list(PLOTS))
    name = name or c.pick(HERO_NAMES)
    he, him, his, himself = pronouns(c, name, kind)
    fname = c.pick([n for n in HERO_NAMES if n != name])
    fkind = friend or c.pick([k for k in FRIENDS if k != kind])
    he2, him2, his2, _ = pronouns(c, fname, fkind)
    home, moment = c.pick(HOMES), c.pick(split(MOMENTS))
    slots = {"N": name, "k": kind, "he": he, "him": him, "his": his, "himself": himself, "He": he.capitalize(), "His": his.capitalize(), "F": fname,
             "f": fkind, "he2": he2, "him2": him2, "his2": his2, "H": home, "H2": home[0].upper() + home[1:], "M": moment, "M2": c.pick(split(MOMENTS)),
             "P2": place or c.pick(PLACES), "o": thing or c.pick(OBJECTS), "a": trait or c.pick(TRAITS), "e": c.pick(FOODS), "e2": c.pick(FRUITS),
             "v": c.pick(SKILLS), "i": c.pick(["violin", "flute", "guitar", "drum", "harp", "trumpet"])}
    parts = [c.pick(split_lines(OPENINGS))]
    body = beats(plot)
    for beat in body:
        parts.append(c.pick(beat))
    if c.chance(0.75):
        parts.append(c.pick(split_lines(ENDINGS)))
    groups, text = [], ""
    for part in parts:
        for key, val in slots.items():
            part = part.replace("{" + key + "}", val)
        groups.append(part)
    if c.chance(0.5):
        cut = c.num(2, 3)
        text = "\n\n".join(" ".join(g) for g in (groups[:cut], groups[cut:-2], groups[-2:]) if g)
    else:
        text = " ".join(groups)
    return fix_articles(text), slots


def fix_articles(text):
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}").replace(f"A {vowel}", f"An {vowel}")
    return text.replace(" an unicorn", " a unicorn").replace("An unicorn", "A unicorn")


ASK_STORY = split("""Tell me a short story about {k}.|Tell me a story about {k}.|Write a short story about {k}.|Write a story about {k}.|story about {k}
Can you tell me a story about {k}?|Please tell me a story about {k}.|I want to hear a story about {k}.|a short story about {k}|Make up a story about {k}.
Could you write a short story about {k}?|Give me a story about {k}.|Tell a story about {k}.|I would like a story about {k}.|Write me a story about {k}.
Tell me a bedtime story about {k}.|Write a fairy tale about {k}.|Tell me a tale about {k}.|Do you know a story about {k}?|Invent a story about {k}.
Tell my child a story about {k}.|Write a little story about {k}.|Tell me a nice story about {k}.|Short story about {k}, please.""")
ANY_STORY = split("""Tell me a story.|Tell me a short story.|Write a story.|Write a short story.|Can you tell me a story?|I want to hear a story.|story
Please tell me a story.|Tell me a bedtime story.|Make up a story.|Do you know a story?|Tell a story|A story, please.|Give me a story.|Tell me a fairy tale.
Another story, please.|Tell me another story.|Write me something.""")


def subject(c):
    r = c.rng.random()
    if r < 0.6:
        return c.pick(KINDS)
    if r < 0.68:
        return c.pick(LONG_KINDS) if c.chance(0.5) else f"{c.word(c.src['spelling'])} {c.pick(KINDS + ['keeper', 'maker', 'seller', 'driver', 'hunter', 'man', 'woman'])}"
    if r < 0.72:
        return c.pick(c.src["jobs"])
    if r < 0.88:
        return c.word(c.src["lists"]["animals"])
    return c.word(c.src["countable"])


@task("story", "stories", 16, exact=False)
def story(c):
    if c.chance(0.12):
        text, _ = make_story(c, c.pick(KINDS))
        return [Turn(c.ask(ANY_STORY), text)]
    if c.chance(0.05):
        text, slots = make_story(c, c.pick(KINDS))
        return [Turn(c.ask("""Tell me a story about two friends.|Write a story about friendship.|Tell me a story about friends.|A story about two friends, please.|Tell me a story about animals.
            Write a short story about two animals.|Tell me a story about a good friend.|Tell me a short story about friendship.|Write a story about being kind.|Tell me a story about kindness."""), text)]
    kind = subject(c)
    ask = article(kind)
    options = {}
    r = c.rng.random()
    if r < 0.12:
        options["name"] = c.pick(HERO_NAMES) if c.chance(0.5) else x.name(c)
        ask += c.pick([" named ", " called "]) + options["name"]
    elif r < 0.2:
        options["thing"] = c.pick(OBJECTS)
        options["plot"] = "found"
        ask += f" who finds {article(options['thing'])}"
    elif r < 0.32:
        options["friend"] = c.pick([k for k in (KINDS if c.chance(0.6) else FRIENDS) if k != kind])
        ask += c.pick([" and ", " and ", " who meets ", " and his friend, "]) + article(options["friend"])
    elif r < 0.38:
        options["place"] = c.pick(PLACES)
        ask += " " + options["place"]
    elif r < 0.5:
        options["trait"] = c.pick(TRAITS)
        ask = article(options["trait"] + " " + kind)
    elif r < 0.54:
        options["plot"], word = c.pick([("share", "who learns to share"), ("truth", "who tells the truth"), ("dark", "who is afraid of the dark"),
                                        ("lost", "who gets lost"), ("race", "in a race"), ("storm", "in a storm"), ("magic", "with a magic wish"),
                                        ("boat", "who builds a boat"), ("garden", "who plants a seed"), ("star", "and a fallen star")])
        ask += " " + word
    text, _ = make_story(c, kind, **options)
    return [Turn(c.ask(ASK_STORY, k=ask), text)]


@task("short_story", "stories", 2, exact=False)
def short_story(c):
    """A story of three sentences."""
    kind, name = subject(c), c.pick(HERO_NAMES)
    he, him, his, _ = pronouns(c, name, kind)
    start = c.pick(split(MOMENTS))
    text = " ".join([
        c.pick(["{M}, a {a} {k} named {N} found a {o} {P}.", "{M}, {N} the {k} lost {his} {o} {P}.", "A {a} {k} named {N} lived {H}.",
                "{N} was a {a} {k} who always wanted to {v}."]),
        c.pick(["{He} shared it with {his} friend, a {f}, and they laughed all day.", "{He} met a kind {f}, and together they looked for {e}.",
                "{M}, {he} met a {f} who needed help, and {he} did not wait.", "A {f} came by and said, \"Let us do it together.\""]),
        c.pick(["In the evening {he} went home and was happy.", "From then on they were friends.", "And that is how {N} learned to be brave.",
                "Since that day {N} has never been lonely."])])
    slots = {"N": name, "k": kind, "he": he, "his": his, "He": he.capitalize(), "M": start, "o": c.pick(OBJECTS), "P": c.pick(PLACES),
             "a": c.pick(TRAITS), "H": c.pick(HOMES), "v": c.pick(SKILLS), "f": c.pick(FRIENDS), "e": c.pick(FOODS)}
    for key, val in slots.items():
        text = text.replace("{" + key + "}", val)
    user = c.ask("""Tell me a very short story about {k}.|Write a story about {k} in three sentences.|Tell a story about {k} in three sentences.
        Write a three sentence story about {k}.|A very short story about {k}, please.|Give me a tiny story about {k}.
        Tell me a story about {k} in a few sentences.|Write a tiny story about {k}.|Tell me a very, very short story about {k}.""", k=article(kind))
    return [Turn(user, fix_articles(text))]


@task("poem", "stories", 1.5, exact=False)
def poem(c):
    if c.chance(0.35):
        kind = c.pick(split("moon|sea|sun|rain|wind|snow|night|spring|summer|autumn|winter|river|mountain|sky|city|forest|garden|ocean|morning|rainbow|storm|stars"))
        if c.chance(0.4):
            kind = c.word(c.src["spelling"])
        ask = ("the " if c.chance(0.75) or kind in ("moon", "sea", "sun") else "") + kind
    else:
        kind = subject(c)
        ask = article(kind)
    first, middle, last = ([tuple(line.split("|")) for line in block.splitlines()] for block in POEM)
    pairs = [c.pick(first), *c.some(middle, c.pick([0, 1, 1, 2])), c.pick(last)]
    text = "\n".join(part for pair in pairs for part in pair).replace("{k}", kind)
    user = c.ask("""Write a poem about {k}.|Write a short poem about {k}.|Tell me a poem about {k}.|poem about {k}|Can you write a poem about {k}?
        Make a poem about {k}.|Give me a poem about {k}.|I want a poem about {k}.|Write a rhyme about {k}.|Please write a poem about {k}.
        Make up a little poem about {k}.|A poem about {k}, please.""", k=ask)
    return [Turn(user, text)]


@task("haiku", "stories", 0.6, exact=False)
def haiku(c):
    kind = c.word(c.src["spelling"]) if c.chance(0.3) else c.pick(split("sea|moon|rain|wind|snow|night|river|sky|forest|garden|fox|cat|sun|winter|spring|summer|autumn|tree|mountain|city|bird|code|computer|gopher"))
    first, second, third = (c.pick(block.splitlines()) for block in HAIKU)
    user = c.ask("""Write a haiku about {k}.|Write a haiku about {k}|haiku about {k}|Can you write a haiku about {k}?|Give me a haiku about {k}.|A haiku about {k}, please.
        Make a haiku about {k}.|I want a haiku about {k}.|Please write a haiku about {k}.""", k=c.pick(["the ", "the ", "", article(kind)[:-len(kind)]]) + kind)
    return [Turn(user, "\n".join((first, second, third)).replace("{k}", kind))]


@task("continue_story", "stories", 1, exact=False)
def continue_story(c):
    """The first sentences of a story are given."""
    text, _ = make_story(c, subject(c))
    text = text.replace("\n\n", " ")
    cut = text.find(". ", 60) + 1
    if cut <= 0:
        return continue_story(c)
    user = c.ask("""Continue this story: {t}|Finish this story: {t}|What happens next? {t}|Go on: {t}|Continue: {t}|Write the rest of this story: {t}
        Complete the story. {t}|Please continue the story: {t}|How does this story go on? {t}""", t=text[:cut].strip())
    return [Turn(user, text[cut:].strip(), noise=False)]


@task("story_questions", "stories", 1.5, exact=False)
def story_questions(c):
    """A story, then questions about it in further turns."""
    kind = subject(c)
    text, slots = make_story(c, kind)
    turns = [Turn(c.ask(ASK_STORY, k=article(kind)), text)]
    if c.chance(0.6):
        turns.append(Turn(c.ask("""What was the name of the {k}?|What is the {k} called?|What is the {k}'s name?|Who is the {k}?|How is the {k} called?
            Tell me the name of the {k}.|What was the {k} called?|And the name of the {k}?""", k=kind), f"The {kind} is called {slots['N']}.", slots["N"]))
    else:
        turns.append(Turn(c.ask("""Who is {f}?|Who was {f} in the story?|What animal is {f}?|And who is {f}?|Tell me who {f} is.|What is {f}?|What kind of animal is {f}?
            Can you tell me who {f} is?""", f=slots["F"]), f"{slots['F']} is {article(slots['f'])}.", slots["f"]))
    return turns


def plain_story(c):
    """A story written alone."""
    return make_story(c, subject(c))[0]
