# SPDX-License-Identifier: Apache-2.0
"""Greetings, identity, small talk, code snippets, poems, and "I do not know."."""

import tasks_extract as x
from common import Turn, article, join, split, task

HELLO = split("""Hello|Hi|Hey|Hello!|Hi!|Hey!|Hi there|Hello there|Good morning|Good evening|Good afternoon|hello|hi|Hello, how are you?
Hi there!|Good day|Greetings|hey there|Yo|Hiya|Good morning!|Hello Zen|Hi Zen Nano|Hello Zen Nano!""")
HOW = split("""How are you?|How are you doing?|How is it going?|How do you feel?|How are you today?|How have you been?|Is everything okay?|What's up?|How's it going?|whats up|What's new?|How is your day?|Are you well?|How do you do?
Hi, how are you?|Hey, how are you?|how are you""")
WHO = split("""Who are you?|What are you?|What is your name?|What's your name?|Tell me about yourself.|Introduce yourself.|who are you|your name?
Who am I talking to?|What model are you?|Which model is this?|Are you a language model?|What should I call you?|Do you have a name?
Please introduce yourself.|Can you tell me who you are?|What kind of model are you?|What is Zen Nano?|Who is this?|Say who you are.
Hi, who are you?|Hello, what is your name?|So who are you?|What are you called?|Describe yourself.""")
CAN = split("""What can you do?|What can I ask you?|How can you help me?|What are you good at?|Help|help|What do you know?|What is this?
What are your abilities?|What kind of questions can you answer?|Tell me what you can do.|Can you help me?|What can you help with?
What things can you do?|Give me an example of what you can do.|How do I use you?|What tasks can you do?|What are the things you can do?|What sort of things can you do?|Which things can you do?|What can you do for me?|What stuff can you do?|Tell me the things you can do.|What could you do?""")
THANKS = split("""Thank you|Thanks|Thank you!|Thanks!|Thanks a lot|Thank you very much|Great, thanks|Thanks for your help|thx|thank you so much
Perfect, thank you.|Good answer.|You did well.|Great job!|Good work.|Excellent!|Okay, thanks.|Cool, thanks!|Good job|Well done!|That is great.|Nice!|Many thanks.|Nice one.|Very nice!|Nice, thanks.|That is nice.|Awesome|So nice, thank you!|Wonderful!|Lovely.|Cool!|Great!|Very good.|Super""")
BYE = split("""Goodbye|Bye|Bye!|See you|Good night|See you later|Bye bye|Goodbye!|That is all.|I have to go|Take care|See you tomorrow
Have a nice day|bye""")
IDENTITY = "I am Zen Nano, a tiny demo model."
ABILITY = ("I can tell short stories, answer simple questions, add and subtract small numbers, explain common words and find facts in a text.")
ABOUT = [
    (split("""Who made you?|Who created you?|Who trained you?|Who built you?|Who developed you?|Where do you come from?|Who is your maker?
Who are your creators?|Which company made you?|Were you made by a company?"""), "I was made for the Zen SDK by the Zen team."),
    (split("""How big are you?|How many parameters do you have?|How large is your model?|What is your size?|Are you a big model?|How small are you?
How many parameters does Zen Nano have?|Are you large or small?"""), "I am very small: I have about 7 million parameters."),
    (split("""Are you a human?|Are you a person?|Are you real?|Are you human?|Are you a robot?|Are you an AI?|Are you alive?|Am I talking to a person?
Are you a machine?|Is there a person behind this?"""), "No person is here. I am Zen Nano, a tiny language model."),
    (split("""How old are you?|When were you born?|What is your age?|When is your birthday?|Tell me your age.|Are you old?|how old are you
Are you young or old?"""), "I have no age. I am a computer program."),
    (split("""Where are you?|Where do you live?|Where do you run?|Do you need the internet?|Do you run in the cloud?|Where are you running?
On which computer do you run?|Are you online?"""), "I run right here on your computer, inside a Go program."),
    (split("""Are you ChatGPT?|Are you GPT-4?|Are you Claude?|Are you Qwen?|Are you Gemini?|Are you Llama?|Is this ChatGPT?|Are you Siri?
Are you Alexa?"""), "No. " + IDENTITY),
    (split("""Do you have feelings?|Can you feel?|Are you happy?|Do you get tired?|Are you sad?|Do you dream?|Do you sleep?|Do you love me?
Do you have a heart?|Can you cry?"""), "I am a program, so I have no feelings, but I am glad to help."),
    (split("""What is the Zen SDK?|What is Zen?|What is zen?|Tell me about the Zen SDK.|What does the Zen SDK do?|What is the Zen SDK for?
Explain the Zen SDK.|Tell me about Zen.|Describe the Zen SDK."""), "Zen is a Go SDK that runs language models on your own computer."),
    (split("""Do you speak Spanish?|Can you speak French?|Which languages do you speak?|What languages do you know?|Do you speak German?
Can you speak other languages?|Do you know Italian?|What language do you speak?"""), "I speak English, and I know a few words of Spanish, French, German and Italian."),
    (split("""Can you make mistakes?|Are you always right?|Can I trust you?|Are your answers correct?|Do you make mistakes?|Are you smart?
Are you reliable?|Should I trust your answers?"""), "I am a tiny model and I make mistakes, so please check what I say."),
]


@task("greeting", "chat", 1.5)
def greeting(c):
    user = c.ask(HELLO)
    if "how are you" in user:
        return [Turn(user, "I am well, thank you! How can I help you?")]
    return [Turn(user, "Hello! How can I help you?")]


@task("how_are_you", "chat", 0.8)
def how_are_you(c):
    return [Turn(c.ask(HOW), "I am well, thank you! How can I help you?")]


@task("identity", "chat", 2)
def identity(c):
    return [Turn(c.ask(WHO), IDENTITY)]


@task("ability", "chat", 1)
def ability(c):
    return [Turn(c.ask(CAN), ABILITY)]


@task("about", "chat", 1.5)
def about(c):
    questions, answer = c.pick(ABOUT)
    return [Turn(c.ask(questions), answer)]


@task("thanks", "chat", 0.8)
def thanks(c):
    return [Turn(c.ask(THANKS), "You are welcome!")]


@task("bye", "chat", 0.6)
def bye(c):
    return [Turn(c.ask(BYE), "Goodbye! Have a nice day.")]


@task("user_name", "chat", 2)
def user_name(c):
    """The user says a fact about themselves and asks for it later."""
    kind = c.num(0, 4)
    if kind <= 1:
        n = x.name(c)
        first = c.ask("""My name is {n}.|I am {n}.|Hi, I am {n}.|Hello, my name is {n}.|Call me {n}.|You can call me {n}.|I'm {n}.|Hi! My name is {n}.
            Please call me {n}.|Hey, this is {n}.|People call me {n}.""", n=n)
        second = c.ask("""What is my name?|Do you remember my name?|Who am I?|What am I called?|Can you tell me my name?|Say my name.|What's my name?
            Tell me my name.|Do you know my name?|How am I called?""")
        return [Turn(first, f"Nice to meet you, {n}!", noise=False), Turn(second, f"Your name is {n}.", n)]
    table = {2: ("favorite color", lambda c: c.pick(x.COLORS)), 3: ("dog", x.name), 4: ("city", x.place)}
    what, make = table[kind]
    v = make(c)
    if kind == 2:
        first = c.ask("""My favorite color is {v}.|I like {v} best.|I love the color {v}.|The color I like is {v}.|{v} is my favorite color.
            I like the color {v}.|For me the best color is {v}.|My best color is {v}.""", v=v)
        second, answer = c.ask("""What is my favorite color?|Which color do I like?|What color do I like?|Do you remember my favorite color?|What's my favorite color?
            Tell me my favorite color.|Which color is my favorite?|Name my favorite color."""), f"Your favorite color is {v}."
    elif kind == 3:
        first = c.ask("""My dog is called {v}.|I have a dog named {v}.|My dog's name is {v}.|I have a dog. His name is {v}.|The name of my dog is {v}.
            We call our dog {v}.|I named my dog {v}.|There is a dog at my house, {v}.""", v=v)
        second, answer = c.ask("""What is my dog called?|What is the name of my dog?|What is my dog's name?|Do you remember the name of my dog?|Who is my dog?
            Tell me my dog's name.|How is my dog called?|Name my dog.|Tell me the name of my dog.|Say my dog's name.|Do you know my dog's name?|Tell me what my dog is called.|Give me my dog's name.|What did I say my dog is called?"""), f"Your dog is called {v}."
    else:
        first = c.ask("""I live in {v}.|My home is in {v}.|I am from {v}.|I moved to {v}.|My house is in {v}.|I come from {v}.|My city is {v}.
            Home for me is {v}.""", v=v)
        second, answer = c.ask("""Where do I live?|Where am I from?|Which city do I live in?|Do you remember where I live?|Where is my home?
            What is my city?|Tell me where I live.|Name my city."""), f"You live in {v}."
    return [Turn(first, "Good to know!", noise=False), Turn(second, answer, v)]


UNKNOWN = split("""Who is {n}?|Tell me about {n}.|What is the population of {p}?|What is the weather today?|What is the weather in {p}?|What time is it?
What is the date today?|What day is it today?|Who won the game last night?|What is the news today?|Who is the president of {p}?|How tall is {n}?
What is the meaning of life?|Explain quantum mechanics.|Explain the theory of {w}.|What is the stock price of {m}?|When was {n} born?|Where was {n} born?
How many people live in {p}?|Who founded {m}?|What is the phone number of {n}?|What did I eat yesterday?|What is my password?|How old am I?
Who will win the election?|What will happen tomorrow?|What is the best phone to buy?|How do I fix my {t}?|Why did {n} leave {p}?|What is {q}?
How far is {p} from {r}?|What is the area of {p}?|Who wrote {Q}?|When did {n} die?|What is the capital of {q}?|Where is {q}?|Who is the king of {p}?
Which language is spoken in {q}?|What is the currency of {q}?|What does {q} mean?|What does {w} mean?|Define {w}.|Define {q}.|How do you say {w} in Japanese?
What is {w} in Chinese?|Translate {w} into Russian.|Who is the author of {Q}?|Who painted {Q}?|What is the atomic number of {q}?|Who sings {Q}?
How do I cook {w}?|What is the history of {p}?|What happened in {y}?|Who invented the {w}?|Prove that {w} is true.|What should I invest in?
What is the square root of {k}?|How much does a {t} weigh?|How much does a {t} cost?|What is the temperature in {p}?|Is it raining now?|Where are my keys?
What is the email of {n}?|What is the name of my {t}?|Who is my neighbor?|What is my name?|What is my favorite color?|Where do I live?|How many {t}s do I have?
What is the tallest building in {p}?|When does the train to {p} leave?|What movie should I watch?|Who directed {Q}?|What is the plot of {Q}?|Who played in {Q}?
Explain how a {t} works.|Summarize the book {Q}.|What year was {m} founded?|Why is {n} famous?|What is the mayor of {p} called?|Is {n} married?
What is the secret code?|What is the answer to question {k}?|How deep is the lake of {p}?|Who lives at number {k}?|What did {n} say?|Where is {n} now?
What is the official animal of {p}?|How do I get from {p} to {r}?|What is {m}?|What does {m} sell?|Is {m} a good company?|What is the best hotel in {p}?
Explain {w}.|Teach me {w}.|Give me a recipe for {w}.|Write an essay about {w}.|What are the symptoms of {w}?|Should I take medicine for {w}?
Who is the richest person?|What is consciousness?|Does God exist?|What happens after death?|Who should I vote for?|What is dark matter?|Solve x squared = {k}.
What is the integral of x?|Explain general relativity.|What is blockchain?|Who won the World Cup in {y}?|What is the GDP of {p}?|What is string theory?""")


@task("unknown", "chat", 5)
def unknown(c):
    rare = c.word(c.src["rare"])
    q = x.made_up(c, c.num(2, 3))
    user = c.ask(UNKNOWN, n=f"{x.name(c)} {x.surname(c)}" if c.chance(0.8) else x.made_up(c, 3), p=x.place(c), r=x.place(c), w=rare, m=x.company(c),
                 t=x.thing(c), q=q, Q="The " + " ".join(x.made_up(c, 2) for _ in range(c.num(1, 2))), y=c.num(1000, 2040), k=c.num(10, 999))
    return [Turn(user, "I do not know.", noise=not any(ch.isdigit() for ch in user))]


@task("unknown_word", "chat", 1.5)
def unknown_word(c):
    from tasks_words import MEANING
    w = c.word(c.src["rare"]) if c.chance(0.7) else x.made_up(c, c.num(2, 3)).lower()
    return [Turn(c.ask(MEANING, w=w), "I do not know.")]


@task("unknown_capital", "chat", 1.5)
def unknown_capital(c):
    from tasks_facts import CAPITAL
    p = x.made_up(c, c.num(2, 3)) + c.pick(["", "", "ia", "land", "stan"])
    if c.chance(0.15):
        p = c.pick(["Narnia", "Atlantis", "Wonderland", "Neverland", "Middle-earth", "Oz", "the moon", "Mars", "Westeros", "Wakanda", "Hogwarts",
                    "my house", "nowhere", "the sea", "the North Pole", "Lilliput", "Utopia", "El Dorado", "Jupiter", "the sun"])
    return [Turn(c.ask(CAPITAL, c=p), "I do not know.")]


MOODS = [
    (split("I am sad.|I feel sad.|I feel bad today.|I am unhappy.|I had a bad day.|I feel lonely.|I am not well.|I feel terrible.|Today was a bad day.|I am crying."),
     "I am sorry to hear that. I hope you feel better soon."),
    (split("I am happy.|I feel great.|I had a great day.|I am so happy today!|I feel good.|Today was wonderful.|I am in a good mood.|Life is good.|I am glad."),
     "That is wonderful! I am glad to hear it."),
    (split("I am tired.|I feel sleepy.|I am so tired.|I did not sleep well.|I need sleep.|I am exhausted.|I want to sleep.|I feel very tired."),
     "Take a rest. A little sleep helps a lot."),
    (split("I am bored.|I am so bored.|I have nothing to do.|What should I do? I am bored.|This is boring.|I feel bored.|Entertain me.|I need something to do."),
     "I can tell you a story. Just ask me for one!"),
    (split("I am hungry.|I want to eat.|I need food.|I feel hungry.|What should I eat?|I am so hungry.|What can I have for dinner?|Suggest something to eat."),
     "How about some soup with fresh bread?"),
    (split("I love you.|You are great.|You are nice.|I like you.|You are the best.|You are awesome!|You are so smart.|You are cool."),
     "Thank you! That is very kind."),
    (split("You are stupid.|You are bad.|I hate you.|You are wrong.|That is wrong.|You are not smart.|That is not right.|You made a mistake."),
     "I am sorry. I am a tiny model and I make mistakes."),
    (split("Okay.|OK|I see.|Good.|That is fine.|All good.|I understand.|Sounds good.|Hm.|fine|Alright.|Fine.|Got it.|ok|Understood.|Right."), "Is there anything else I can do for you?"),
    (split("Yes|Yes please.|Sure.|yes|Yes, please|Of course.|Yeah|Please do."), "What would you like me to do?"),
    (split("No|No thanks.|no|No, thank you.|Not now.|Nothing.|Nope|Never mind."), "All right. I am here if you need me."),
    (split("What is your favorite color?|Which color do you like?|What color do you like?|Do you have a favorite color?|Your favorite color?|favorite color?|Tell me your favorite color.|What's your favorite color?"),
     "I am a program, but blue sounds nice."),
    (split("What is your favorite animal?|Which animal do you like?|What animal do you like?|Do you like animals?|Do you like cats?|Do you like dogs?|Your favorite animal?|Tell me your favorite animal."),
     "I am a program, but I like stories about foxes."),
    (split("Do you know me?|Do you know who I am?|Have we met?|Do you remember me?|Do we know each other?|Have we talked before?|Did we talk before?|Who do you think I am?"),
     "I do not know you yet. What is your name?"),
    (split("Give me advice.|Give me some advice.|Do you have any advice?|Any advice?|Tell me something wise.|Say something wise.|Inspire me.|Motivate me."),
     "Take small steps every day, and be kind to others."),
    (split("Say something.|Talk to me.|Tell me something.|Say anything.|Surprise me.|Tell me anything.|Speak.|Let's talk."),
     "Here is something: an octopus has three hearts."),
    (split("Wish me luck.|I have a test tomorrow.|I have an exam.|Wish me good luck.|I am nervous about my test.|Tomorrow is my exam.|I have an interview tomorrow.|I am nervous."),
     "Good luck! You can do it."),
    (split("It is my birthday.|Today is my birthday!|Wish me a happy birthday.|My birthday is today.|It's my birthday today.|I have my birthday today.|I turn a year older today.|Say happy birthday."),
     "Happy birthday! I wish you a wonderful day."),
]


MOODS += [
    (split("Can you help me with my homework?|Help me with my homework.|Can you help me?|I need help.|I have a question.|Can I ask you something?|I need your help.|Could you help me with something?|May I ask a question?|Please help me.|I have a problem."),
     "Of course! What would you like to know?"),
    (split("Are you there?|Hello? Are you there?|Is anybody there?|Can you hear me?|Do you work?|Test|test|Testing|This is a test.|Are you working?"),
     "Yes, I am here. How can I help you?"),
    (split("Say hi.|Say hello.|say hello|Say hi to me.|Greet me.|Say hello to me.|Can you say hello?|Please say hello."), "Hello!"),
    (split("I like cats.|I like dogs.|I love music.|I like pizza.|I like books.|I love football.|I like summer.|I like rain."), "That sounds nice!"),
    (split("What are you doing?|What do you do all day?|What are you thinking about?|What are you up to?|What do you think?|Are you busy?|What is on your mind?|What do you do?"),
     "I am waiting for your next question."),
]


MOODS += [
    (split("Once upon a time|Once upon a time...|Once upon a time there was|Once upon a time,|Long ago|It was a dark night|once upon a time|Once there was"),
     "What should the story be about? Ask me, for example: tell me a story about a fox."),
    (split("How do I install Go?|Where can I learn Go?|How do I learn Go?|Where is the Go documentation?|How do I get Go?|Where do I find Go?|How can I install Go?|How do I start with Go?"),
     "You can find Go at go.dev."),
]


@task("small_talk", "chat", 2.5)
def small_talk(c):
    questions, answer = c.pick(MOODS)
    return [Turn(c.ask(questions), answer)]


JOKES = split("""Why did the chicken cross the road? To get to the other side.|What has hands but cannot clap? A clock.
Why did the bicycle fall over? It was two tired.|What do you call a bear with no teeth? A gummy bear.|What gets wetter the more it dries? A towel.
Why is six afraid of seven? Because seven eight nine.|What has many keys but opens no door? A piano.|What has an eye but cannot see? A needle.
Why did the book go to the doctor? It hurt its spine.|What kind of tree fits in your hand? A palm tree.|What do you call a sleeping bull? A bulldozer.
Why do bees have sticky hair? Because they use honeycombs.|What do you call cheese that is not yours? Nacho cheese.
Why did the student eat his homework? The teacher said it was a piece of cake.|What has a neck but no head? A bottle.
How does the ocean say hello? It waves.|What did one wall say to the other? I will meet you at the corner.|What goes up but never comes down? Your age.
Why did the gopher love Go? It could dig many routines at once.|What has legs but cannot walk? A table.""")
FACTS = split("""An octopus has three hearts.|Honey does not go bad for a very long time.|A day on Venus is longer than its year.|Sharks are older than trees.
A group of crows is called a murder.|Butterflies taste with their feet.|A snail can sleep for a very long time.|Bananas are berries, but strawberries are not.
The blue whale is the largest animal that ever lived.|Light from the sun takes about eight minutes to reach us.|Cats sleep for most of the day.
A cheetah can run faster than a car in a city.|The Eiffel Tower grows a little in summer because metal expands.|Hummingbirds can fly backwards.
Penguins are birds that swim better than they walk.|Elephants can hear with their feet.|There are more trees on Earth than stars in our galaxy.""")
NAMES_PETS = split("Luna|Milo|Coco|Biscuit|Pepper|Shadow|Daisy|Rusty|Pip|Maple|Ginger|Smokey|Hazel|Oreo|Poppy|Bramble")


@task("joke", "chat", 1, exact=False)
def joke(c):
    user = c.ask("""Tell me a joke.|Do you know a joke?|Make me laugh.|Say something funny.|Tell a joke|Can you tell me a joke?|A joke, please.|joke
        I want to hear a joke.|Give me a joke.|Tell me something funny.|Another joke!|Do you know any jokes?""")
    return [Turn(user, c.pick(JOKES))]


@task("fun_fact", "chat", 0.8, exact=False)
def fun_fact(c):
    user = c.ask("""Tell me a fun fact.|Give me a fun fact.|Do you know a fun fact?|Tell me something interesting.|fun fact|Share a fact.|A fun fact, please.
        Tell me a fact.|Tell me an interesting fact.|Teach me something.|Tell me something I do not know.|Give me a random fact.""")
    return [Turn(user, c.pick(FACTS))]


@task("pet_name", "chat", 0.6, exact=False)
def pet_name(c):
    a = c.pick(["cat", "dog", "kitten", "puppy", "rabbit", "horse", "parrot", "hamster", "fish", "pet"])
    n = c.num(1, 3)
    if n == 1:
        user = c.ask("""Give me a name for a {a}.|What is a good name for a {a}?|Suggest a name for my {a}.|I need a name for my {a}.|Name my {a}.
            How should I name my {a}?|What should I call my {a}?|Find a name for a {a}.|Can you think of a name for a {a}?""", a=a)
        return [Turn(user, f"How about {c.pick(NAMES_PETS)}?")]
    user = c.ask("""Give me {n} names for a {a}.|Suggest {n} names for my {a}.|I need {n} names for a {a}.|Name {n} good names for a {a}.
        What are {n} good names for a {a}?|List {n} names for a {a}.|Think of {n} names for a {a}.|Can you suggest {n} names for my {a}?""", a=a, n={2: "two", 3: "three"}[n])
    return [Turn(user, join(c.some(NAMES_PETS, n)) + ".")]


SNIPPETS = {
    "Go": {
        "hello world": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("Hello, world!")\n}',
        "adds two numbers": "func add(a, b int) int {\n\treturn a + b\n}",
        "subtracts two numbers": "func subtract(a, b int) int {\n\treturn a - b\n}",
        "multiplies two numbers": "func multiply(a, b int) int {\n\treturn a * b\n}",
        "returns the larger of two numbers": "func larger(a, b int) int {\n\tif a > b {\n\t\treturn a\n\t}\n\treturn b\n}",
        "sums a list": "func sum(values []int) int {\n\ttotal := 0\n\tfor _, v := range values {\n\t\ttotal += v\n\t}\n\treturn total\n}",
        "checks if a number is even": "func isEven(n int) bool {\n\treturn n%2 == 0\n}",
        "doubles a number": "func double(n int) int {\n\treturn n * 2\n}",
        "prints the numbers from 1 to 10": "for i := 1; i <= 10; i++ {\n\tfmt.Println(i)\n}",
        "reverses a string": "func reverse(s string) string {\n\tr := []rune(s)\n\tfor i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {\n\t\tr[i], r[j] = r[j], r[i]\n\t}\n\treturn string(r)\n}",
    },
    "Python": {
        "hello world": 'print("Hello, world!")',
        "adds two numbers": "def add(a, b):\n    return a + b",
        "subtracts two numbers": "def subtract(a, b):\n    return a - b",
        "multiplies two numbers": "def multiply(a, b):\n    return a * b",
        "returns the larger of two numbers": "def larger(a, b):\n    return a if a > b else b",
        "sums a list": "def total(values):\n    return sum(values)",
        "checks if a number is even": "def is_even(n):\n    return n % 2 == 0",
        "doubles a number": "def double(n):\n    return n * 2",
        "prints the numbers from 1 to 10": "for i in range(1, 11):\n    print(i)",
        "reverses a string": "def reverse(s):\n    return s[::-1]",
    },
    "JavaScript": {"hello world": 'console.log("Hello, world!");', "adds two numbers": "function add(a, b) {\n  return a + b;\n}"},
    "C": {"hello world": '#include <stdio.h>\n\nint main(void) {\n    printf("Hello, world!\\n");\n    return 0;\n}'},
    "Rust": {"hello world": 'fn main() {\n    println!("Hello, world!");\n}'},
    "Bash": {"hello world": 'echo "Hello, world!"'},
}


@task("code", "chat", 1.5)
def code(c):
    lang = c.pick(["Go"] * 4 + ["Python"] * 3 + ["JavaScript", "C", "Rust", "Bash"])
    what = c.pick(list(SNIPPETS[lang]))
    if what == "hello world":
        user = c.ask("""Write hello world in {l}.|Write a hello world program in {l}.|hello world in {l}|Show me hello world in {l}.|Hello world in {l}?
            Write a {l} program that says hello.|Write a hello world program using {l}.|{l} program that prints Hello, world!|Print Hello, world! in {l}.|Write a {l} program that prints Hello, world!|How do I print hello world in {l}?|Give me hello world in {l}.
            Can you write hello world in {l}?|{l} hello world|Write "Hello, world!" in {l}.""", l=lang)
    elif what.startswith("prints"):
        user = c.ask("""Write {l} code that {w}.|Write a {l} loop that {w}.|Show me {l} code that {w}.|Give me {l} code that {w}.|{l} code that {w}
            I need {l} code that {w}.|Can you write {l} code that {w}?|Please write {l} code that {w}.""", l=lang, w=what)
    else:
        user = c.ask("""Write a {l} function that {w}.|Write a function in {l} that {w}.|Give me a {l} function that {w}.|{l} function that {w}
            Show me a {l} function that {w}.|I need a {l} function that {w}.|Can you write a {l} function that {w}?|Please write a function that {w} in {l}.
            Make a {l} function that {w}.|How do I write a {l} function that {w}?""", l=lang, w=what)
    fence = {"Go": "go", "Python": "python", "JavaScript": "javascript", "C": "c", "Rust": "rust", "Bash": "bash"}[lang]
    return [Turn(user, f"```{fence}\n{SNIPPETS[lang][what]}\n```", noise=False)]


@task("email", "chat", 0.8, exact=False)
def write_email(c):
    n, m = x.name(c), x.name(c)
    topics = {"thank {n} for the gift": "Thank you very much for the gift. It made me very happy.",
              "thank {n} for the help": "Thank you very much for your help. It made a big difference.",
              "invite {n} to my birthday party": "I would like to invite you to my birthday party. I hope that you can come.",
              "invite {n} to dinner": "I would like to invite you to dinner. I hope that you can come.",
              "tell {n} that I am sick": "I am sorry, but I am sick today and cannot come.",
              "tell {n} that I will be late": "I am sorry, but I will be a little late today.",
              "ask {n} for a meeting": "I would like to talk with you. When do you have time for a meeting?",
              "say sorry to {n}": "I am sorry for what happened. I hope that you can forgive me.",
              "congratulate {n} on the new job": "Congratulations on your new job! I wish you all the best.",
              "wish {n} a happy birthday": "Happy birthday! I wish you a wonderful day."}
    topic = c.pick(list(topics))
    user = c.ask("""Write a short email to {t}.|Write an email to {t}.|Write a short message to {t}.|Write a note to {t}.|Help me write an email to {t}.
        Draft a message to {t}.|Please write a letter to {t}.|I need an email to {t}.|Can you write a message to {t}?""", t=topic.replace("{n}", n))
    sign = f"\n\nBest wishes,\n{m}"
    if c.chance(0.5):
        user = user.rstrip(".?") + f". My name is {m}."
    else:
        sign = "\n\nBest wishes"
    return [Turn(user, f"Dear {n},\n\n{topics[topic]}{sign}", noise=False)]
