# SPDX-License-Identifier: Apache-2.0
"""Reads the raw sources once and writes sources.json, the only input of the generators.

The result holds cleaned paragraphs of the public-domain books, a table of
countries, and the first senses of common English words. It is an intermediate
file: it is not committed.
"""

import argparse
import collections
import json
import pathlib
import re

RENAME = {
    "Antigua & Barbuda": "Antigua and Barbuda",
    "Bosnia & Herzegovina": "Bosnia and Herzegovina",
    "Cabo Verde": "Cape Verde",
    "Czechia": "Czech Republic",
    "Türkiye": "Turkey",
}
CAPITALS = {
    "Burundi": "Gitega",
    "Eswatini": "Mbabane",
    "Kiribati": "Tarawa",
    "Moldova": "Chisinau",
    "Mongolia": "Ulaanbaatar",
    "San Marino": "San Marino",
    "Sao Tome and Principe": "Sao Tome",
    "Sri Lanka": "Sri Jayawardenepura Kotte",
    "United States": "Washington, D.C.",
    "Antigua and Barbuda": "St. John's",
    "Ukraine": "Kyiv",
}
# Sovereign states that countries_with_capitals.json spells in another way.
SOVEREIGN = """Antigua and Barbuda;Bosnia and Herzegovina;Democratic Republic of the Congo;
Republic of the Congo;Ivory Coast;Cape Verde;Czech Republic;Saint Kitts and Nevis;Saint Lucia;
North Macedonia;Netherlands;Philippines;Sao Tome and Principe;Turkey;Trinidad and Tobago;
United States;Saint Vincent and the Grenadines"""
CONTINENTS = {"AF": "Africa", "AS": "Asia", "EU": "Europe", "NA": "North America",
              "OC": "Oceania", "SA": "South America"}
STARTS = set("the a he she they we i it you his her my this that there our their your can do".split())
AVOID = re.compile(
    r"sex|rape|incest|genital|penis|vagina|prostitut|whore|slut|bitch|slave|negro|nazi|hitler|"
    r"suicid|murder|kill|terroris|ethnic|racial|offensive|disparag|derogat|slang|obscen|vulgar|"
    r"homosex|lesbian|erotic|copulat|semen|feces|faeces|urin|excre|anus|buttock|breast|drug|"
    r"narcotic|heroin|cocaine|torture|corpse|execut(e|ion)|execution|jew|muslim|islam|christ|pope|"
    r"jesus|allah|communis|fascis|abortion|naked|nude|tits|damn|crap", re.I)


def read_words(folder, name):
    data = json.loads((folder / f"{name}.json").read_text())
    if isinstance(data, list):
        return data
    return next(v for k, v in data.items() if k not in ("description", "source"))


def clean_text(text):
    table = {"‘": "'", "’": "'", "“": '"', "”": '"', "—": "--", "–": "-", "…": "...", "\u00a0": " "}
    for old, new in table.items():
        text = text.replace(old, new)
    return re.sub(r"[_*]", "", text)


def read_book(path):
    """Returns the prose paragraphs of one book, without title, contents and headings."""
    paragraphs = [clean_text(p.strip()) for p in path.read_text().split("\n\n") if p.strip()]
    start = 0
    for i, p in enumerate(paragraphs[:200]):
        letters = [c for c in p if c.isalpha()]
        shouted = sum(c.isupper() for c in letters) > 0.3 * max(1, len(letters))
        if "CONTENTS" in p.upper() or "CHAPTER" in p.upper() or (shouted and len(p) > 120):
            start = i + 1
    kept = []
    for p in paragraphs[min(start, 60):]:
        letters = [c for c in p if c.isalpha()]
        if not letters or sum(c.isupper() for c in letters) > 0.5 * len(letters):
            continue
        if re.match(r"^(chapter|book|part)\b", p, re.I) or re.search(r"https?:|gutenberg", p, re.I):
            continue
        words = p.split()
        if len(words) > 12 and sum(w[0].isupper() for w in words) > 0.55 * len(words):
            continue
        if len(p) < 40 and p[-1] not in ".!?\"'":
            continue
        kept.append(p)
    return kept


def read_countries(package, words):
    load = lambda n: json.loads((package / f"{n}.min.json").read_text())
    rows, currencies, languages = load("countries"), load("currencies.all"), load("languages.all")
    listed = {c["name"] for c in read_words(words, "countries_with_capitals")}
    listed |= {n.strip() for n in SOVEREIGN.split(";")}
    out = []
    for row in rows.values():
        name = RENAME.get(row["name"], row["name"])
        if name not in listed or row["continent"] not in CONTINENTS:
            continue
        money = currencies.get(row["currency"][0], {}).get("name") if row["currency"] else None
        spoken = [languages[c]["name"] for c in row["languages"] if c in languages]
        out.append({"name": name, "capital": CAPITALS.get(name, row["capital"]),
                    "continent": CONTINENTS[row["continent"]], "currency": money,
                    "languages": spoken[:1]})
    return sorted(out, key=lambda r: r["name"])


def gloss_of(text):
    """Splits a WordNet gloss into its definition and its quoted examples."""
    examples = re.findall(r'"([^"]+)"', text)
    text = re.sub(r'"[^"]*".*', "", text)
    text = re.sub(r"\([^)]*\)", "", text)
    text = re.sub(r"\s+", " ", text.split(";")[0]).strip(" ;,:.")
    return text, [e.strip() for e in examples]


def read_synsets(path):
    synsets = {}
    for line in path.open():
        if line.startswith("  "):
            continue
        left, _, gloss = line.partition(" | ")
        f = left.split()
        count = int(f[3], 16)
        lemmas = [f[4 + 2 * i].split("(")[0] for i in range(count)]
        at = 4 + 2 * count
        pointers = [tuple(f[at + 1 + 4 * i: at + 5 + 4 * i]) for i in range(int(f[at]))]
        synsets[f[0]] = (lemmas, pointers, gloss.strip())
    return synsets


def read_wordnet(folder, common, limit):
    tags = collections.Counter()
    for line in (folder / "cntlist.rev").open():
        key, sense, count = line.split()
        lemma, kind = key.split("%")[0], key.split("%")[1][0]
        if sense == "1":
            tags[(lemma, {"1": "noun", "2": "verb", "3": "adj",
                 "4": "adv", "5": "adj"}[kind])] += int(count)
    entries, antonyms, rare = {}, {}, []
    for kind in ("noun", "verb", "adj"):
        synsets = read_synsets(folder / f"data.{kind}")
        for line in (folder / f"index.{kind}").open():
            if line.startswith("  "):
                continue
            f = line.split()
            word = f[0]
            if not re.fullmatch(r"[a-z]{3,14}", word):
                continue
            offset = f[4 + int(f[3]) + 2]
            lemmas, pointers, gloss = synsets[offset]
            text, examples = gloss_of(gloss)
            if AVOID.search(gloss) or AVOID.search(word):
                continue
            rank = tags[(word, kind)] + (8 if word in common else 0)
            if rank < 3:
                if tags[(word, kind)] == 0 and 6 <= len(word) <= 11:
                    rare.append(word)
                continue
            if not 2 <= len(text.split()) <= 16 or not text.isascii():
                continue
            if lemmas[0].lower() != word and word not in [l.lower() for l in lemmas]:
                continue
            kinds, parents, opposite = [], [], []
            for symbol, target, _, where in pointers:
                if target in synsets:
                    name = synsets[target][0][0].replace("_", " ")
                    if symbol == "~" and name.islower():
                        kinds.append((synsets[target][0][0], name))
                    if symbol == "@" and name.islower():
                        parents.append(name)
                    if symbol == "!" and re.fullmatch(r"[a-z]+", name):
                        source, dest = int(where[:2], 16), int(where[2:], 16)
                        if source and lemmas[source - 1] == word:
                            opposite.append(synsets[target][0][dest - 1])
            kinds = [n for l, n in kinds if tags[(l, kind)] > 0 or l in common][:6]
            examples = [e for e in examples if re.search(rf"\b{word}\b", e) and e.isascii()
                        and 6 <= len(e.split()) <= 14 and not AVOID.search(e)
                        and e.split()[0].lower() in STARTS][:2]
            synonyms = [l.replace("_", " ") for l in lemmas if l != word and l.islower()][:3]
            entry = {"word": word, "kind": kind, "gloss": text, "examples": examples,
                     "kinds": kinds, "parents": parents[:1], "synonyms": synonyms, "rank": rank}
            if word not in entries or entries[word]["rank"] < rank:
                entries[word] = entry
            if opposite and word not in antonyms and re.fullmatch(r"[a-z]+", opposite[0]):
                antonyms[word] = opposite[0]
    best = sorted(entries.values(), key=lambda e: (-e["rank"], e["word"]))[:limit]
    rare = sorted({w for w in rare if w not in entries})
    rare = rare[:: max(1, len(rare) // 6000)]
    return best, {a: b for a, b in antonyms.items() if a in entries and b in entries}, rare


def read_scowl(folder):
    """Common words (sizes 10 to 50) and proper names of SCOWL, plain letters only."""
    def lines(pattern):
        return {w.strip() for p in folder.glob(pattern) for w in p.read_text(encoding="latin-1").splitlines()}
    words = {w for size in (10, 20, 35, 40, 50) for w in lines(f"english-words.{size}") | lines(f"american-words.{size}")}
    names = {w for kind in ("proper-names", "upper") for size in (35, 40, 50, 60, 70) for w in lines(f"english-{kind}.{size}")}
    return (sorted(w for w in words if re.fullmatch("[a-z]{3,10}", w) and not AVOID.search(w)),
            sorted(w for w in names if re.fullmatch("[A-Z][a-z]{2,11}", w) and not AVOID.search(w)))


def irregular(path):
    pairs = [line.split()[:2] for line in path.open() if len(line.split()) >= 2]
    return {base: form for form, base in reversed(pairs) if re.fullmatch("[a-z]+", form + base)}


def past_tenses(words):
    out = {}
    for verb in read_words(words, "verbs_with_conjugations"):
        base = verb["infinitive"][0]
        past = verb["indicative"].get("imperfect", [None])[0]
        if past and re.fullmatch(r"[a-z]{2,12}", base) and re.fullmatch(r"[a-z]{2,14}", past):
            out[base] = past
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=pathlib.Path, required=True)
    parser.add_argument("--words", type=pathlib.Path, required=True)
    parser.add_argument("--wordnet", type=pathlib.Path, required=True)
    parser.add_argument("--countries", type=pathlib.Path, required=True)
    parser.add_argument("--scowl", type=pathlib.Path, required=True)
    parser.add_argument("--limit", type=int, default=3200)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    common = set(read_words(args.words, "common_words"))
    for name in ("animals", "fruits", "vegetables", "instruments", "clothing", "flowers", "bodyParts"):
        common |= {w for w in read_words(args.words, name) if w.isalpha() and w.islower()}
    entries, antonyms, rare = read_wordnet(args.wordnet, common, args.limit)
    names = ("animals", "firstNames", "occupations", "fruits", "vegetables", "flowers", "clothing",
             "instruments", "objects", "common_words", "bodyParts", "containers", "rooms",
             "adjs", "nouns", "moods", "fish", "infinitive_verbs", "breads_and_pastries")
    lists = {n: [w for w in read_words(args.words, n)
                 if isinstance(w, str) and w.isascii() and not AVOID.search(w)] for n in names}
    states = [(s["state"], s["capital"]) for s in read_words(args.words, "us_state_capitals")]
    spelling, proper = read_scowl(args.scowl)
    data = {
        "spelling": spelling, "proper": proper,
        "books": {p.stem: read_book(p) for p in sorted(args.stories.glob("*.txt"))},
        "countries": read_countries(args.countries, args.words),
        "states": states, "lists": lists, "wordnet": entries, "antonyms": antonyms, "rare": rare,
        "past": past_tenses(args.words), "plurals": irregular(args.wordnet / "noun.exc"),
    }
    args.out.write_text(json.dumps(data, ensure_ascii=False))
    print({k: len(v) for k, v in data.items()})


if __name__ == "__main__":
    main()
