# SPDX-License-Identifier: Apache-2.0
"""What every generator shares: turns, the paraphrase split and the registry of tasks."""

import dataclasses
import functools
import json
import random
import re

TASKS = {}


@dataclasses.dataclass
class Turn:
    """One exchange. short is the bare answer, noise allows careless typing of user."""

    user: str
    answer: str
    short: str = ""
    noise: bool = True


@dataclasses.dataclass
class Task:
    name: str
    group: str
    weight: float
    make: object
    exact: bool


def task(name, group, weight, exact=True):
    """Registers a generator. Its function takes a Context and returns a list of turns."""
    def wrap(make):
        TASKS[name] = Task(name, group, weight, make, exact)
        return make
    return wrap


def held_template(index, count):
    """One paraphrase in eight is never shown in training."""
    return count >= 8 and index % 8 == 5


def held_pair(a, b):
    """One unordered pair of numbers in twelve is never shown in training."""
    low, high = min(a, b), max(a, b)
    return max(low, high) > 12 and (low * 7919 + high * 104729 + 13) % 12 == 0


def held_word(word):
    """One word in twelve is kept for evaluation in tasks that must generalise over words."""
    value = 0
    for c in word:
        value = (value * 131 + ord(c)) % 1_000_003
    return value % 12 == 0


def plain_form(template):
    """A paraphrase without marks, capitals and courtesies: what careless typing can turn it into."""
    words = re.sub(r"[^a-z0-9{}'+*/=<>-]+", " ", template.lower()).split()
    while words and words[0] in COURTESY:
        words = words[1:]
    while words and words[-1] in COURTESY:
        words = words[:-1]
    return " ".join(words)


COURTESY = set("please hey hi hello okay now so well and thanks zen thank you quick question math".split())


@functools.lru_cache(maxsize=None)
def choices(templates, held):
    """The paraphrases of one half. A held-out one that careless typing could have shown is left out."""
    n = len(templates)
    trained = [t for i, t in enumerate(templates) if not held_template(i, n)]
    if not held or n < 8:
        return trained
    seen = {plain_form(t) for t in trained}
    return [t for i, t in enumerate(templates) if held_template(i, n) and plain_form(t) not in seen]


class Context:
    """Random choices of one example. held selects the evaluation half of every split."""

    def __init__(self, seed, sources, held=False):
        self.rng = random.Random(seed)
        self.src = sources
        self.held = held
        self.clean = True

    def ask(self, templates, **slots):
        """Fills a paraphrase of the wanted half: held-out ones only for evaluation."""
        if isinstance(templates, str):
            templates = split(templates)
        allowed = choices(tuple(templates), self.held)
        if not allowed:
            self.clean, allowed = False, templates
        text = self.rng.choice(allowed)
        for key, value in slots.items():
            text = text.replace("{" + key + "}", str(value))
        return text[:1].upper() + text[1:] if self.rng.random() < 0.9 else text

    def pick(self, items):
        return items[int(self.rng.random() * len(items))]

    def some(self, items, count):
        return self.rng.sample(items, count)

    def chance(self, p):
        return self.rng.random() < p

    def num(self, low, high):
        return self.rng.randint(low, high)

    def pair(self, low, high, low2=None, high2=None):
        """A pair of numbers from the half of the split this context is for."""
        while True:
            a = self.num(low, high)
            b = self.num(low if low2 is None else low2, high if high2 is None else high2)
            if held_pair(a, b) == (self.held and max(low, high) > 12):
                return a, b

    def word(self, items):
        """A word from the half of the split this context is for."""
        while True:
            w = self.pick(items)
            if held_word(w) == self.held:
                return w


@functools.lru_cache(maxsize=None)
def split(block):
    """Splits a block of text into one template a line (or separated by |)."""
    return [t.strip() for line in block.strip().splitlines() for t in line.split("|") if t.strip()]


# Ways to ask for something that is a noun phrase: "the capital of France", "17 plus 25".
ASK_NP = split("""What is {np}?|What's {np}?|Tell me {np}.|Can you tell me {np}?|{np}?
Name {np}.|Do you know {np}?|What is {np}|Please tell me {np}.|I want to know {np}.
Could you tell me what {np} is?|I need to know {np}.|Give me {np}.|Do you happen to know {np}?|{np}
What would {np} be?|Help me: what is {np}?|I forgot {np}.|Remind me what {np} is.|Say what {np} is.
Quick question: what is {np}?|Hey, what is {np}?|So what is {np}?|Question: {np}?|Tell me what {np} is.""")


def article(word):
    return ("an " if word[:1].lower() in "aeiou" else "a ") + word


def join(items, last="and"):
    items = list(items)
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + f" {last} " + items[-1]


def load_sources(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)
