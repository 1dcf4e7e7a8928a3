# SPDX-License-Identifier: Apache-2.0
"""Hand-written tables of common knowledge."""

from common import split

PLANETS = split("Mercury|Venus|Earth|Mars|Jupiter|Saturn|Uranus|Neptune")

_NAMES = """H hydrogen He helium Li lithium Be beryllium B boron C carbon N nitrogen O oxygen F fluorine Ne neon Na sodium Mg magnesium
Al aluminum Si silicon P phosphorus S sulfur Cl chlorine Ar argon K potassium Ca calcium Sc scandium Ti titanium V vanadium Cr chromium
Mn manganese Fe iron Co cobalt Ni nickel Cu copper Zn zinc Ga gallium Ge germanium As arsenic Se selenium Br bromine Kr krypton
Rb rubidium Sr strontium Y yttrium Zr zirconium Nb niobium Mo molybdenum Tc technetium Ru ruthenium Rh rhodium Pd palladium Ag silver
Cd cadmium In indium Sn tin Sb antimony Te tellurium I iodine Xe xenon Cs cesium Ba barium La lanthanum Ce cerium Pr praseodymium
Nd neodymium Pm promethium Sm samarium Eu europium Gd gadolinium Tb terbium Dy dysprosium Ho holmium Er erbium Tm thulium Yb ytterbium
Lu lutetium Hf hafnium Ta tantalum W tungsten Re rhenium Os osmium Ir iridium Pt platinum Au gold Hg mercury Tl thallium Pb lead
Bi bismuth Po polonium At astatine Rn radon Fr francium Ra radium Ac actinium Th thorium Pa protactinium U uranium""".split()
ELEMENTS = [(i // 2 + 1, _NAMES[i], _NAMES[i + 1]) for i in range(0, len(_NAMES), 2)]

# animal, young, sound, home
ANIMALS = [tuple(r.split(":")) for r in split("""cat:kitten:meow:a house|dog:puppy:woof:a kennel|cow:calf:moo:a barn|horse:foal:neigh:a stable|
sheep:lamb:baa:a fold|pig:piglet:oink:a sty|duck:duckling:quack:a pond|goose:gosling:honk:a pond|hen:chick:cluck:a coop|goat:kid:maa:a barn|
lion:cub:roar:the savanna|bear:cub:growl:a den|fox:cub:yap:a den|wolf:pup:howl:a den|frog:tadpole:ribbit:a pond|owl:owlet:hoot:a tree|
bee::buzz:a hive|swan:cygnet::a lake|deer:fawn::the forest|kangaroo:joey::the bush|rabbit:kit::a burrow|elephant:calf:trumpet:the savanna|
whale:calf::the sea|tiger:cub:roar:the jungle|mouse:pup:squeak:a hole|bird:chick:tweet:a nest|ant:::an anthill|spider:spiderling::a web|
snake:snakelet:hiss:a hole|donkey:foal:hee-haw:a stable|eagle:eaglet::a nest|butterfly:caterpillar::a meadow|seal:pup:bark:the sea|
rooster::cock-a-doodle-doo:a coop|crow::caw:a nest|turkey:poult:gobble:a farm|camel:calf::the desert|monkey:infant::the trees|
penguin:chick::the ice|fish:fry::the water|beaver:kit::a lodge|squirrel:kit::a tree|zebra:foal::the savanna|giraffe:calf::the savanna|
hippopotamus:calf::a river|turtle:hatchling::the water|bat:pup::a cave|otter:pup::a river|hedgehog:hoglet::a hedge|crocodile:hatchling::a river""".replace("\n", ""))]

GROUPS = [tuple(r.split(":")) for r in split("""lions:pride|wolves:pack|cows:herd|sheep:flock|fish:school|bees:swarm|geese:gaggle|crows:murder|
elephants:herd|puppies:litter|ants:colony|whales:pod|dolphins:pod|owls:parliament|birds:flock|horses:herd|kittens:litter|wolves:pack|monkeys:troop|
flies:swarm|foxes:skulk|lions:pride|bears:sloth|ships:fleet|soldiers:troop|players:team|singers:choir|stars:cluster|cards:deck|flowers:bunch|
grapes:bunch|keys:bunch|musicians:band|students:class""".replace("\n", ""))]

SCALE = [
    ("bigger/smaller", split("ant|bee|mouse|rat|rabbit|cat|fox|dog|wolf|pig|lion|cow|horse|giraffe|elephant|whale")),
    ("faster/slower", split("snail|turtle|pig|man|horse|car|train|plane|rocket")),
    ("heavier/lighter", split("feather|leaf|pencil|book|chair|table|car|bus|train|ship")),
    ("bigger/smaller", split("grape|plum|apple|melon|pumpkin")),
    ("longer/shorter", split("second|minute|hour|day|week|month|year|decade|century")),
    ("larger/smaller", split("village|town|city|country|continent|planet|star|galaxy")),
]

LANGUAGES = ("Spanish", "French", "German", "Italian")
TRANSLATIONS = [tuple(r.split(":")) for r in split("""hello:hola:bonjour:hallo:ciao|hi:hola:salut:hallo:ciao|goodbye:adiós:au revoir:auf Wiedersehen:arrivederci|
thank you:gracias:merci:danke:grazie|please:por favor:s'il vous plaît:bitte:per favore|yes:sí:oui:ja:sì|no:no:non:nein:no|
good morning:buenos días:bonjour:guten Morgen:buongiorno|good night:buenas noches:bonne nuit:gute Nacht:buonanotte|
water:agua:eau:Wasser:acqua|bread:pan:pain:Brot:pane|milk:leche:lait:Milch:latte|coffee:café:café:Kaffee:caffè|tea:té:thé:Tee:tè|
wine:vino:vin:Wein:vino|cheese:queso:fromage:Käse:formaggio|egg:huevo:œuf:Ei:uovo|meat:carne:viande:Fleisch:carne|
fish:pescado:poisson:Fisch:pesce|apple:manzana:pomme:Apfel:mela|salt:sal:sel:Salz:sale|sugar:azúcar:sucre:Zucker:zucchero|
dog:perro:chien:Hund:cane|cat:gato:chat:Katze:gatto|horse:caballo:cheval:Pferd:cavallo|cow:vaca:vache:Kuh:mucca|
bird:pájaro:oiseau:Vogel:uccello|pig:cerdo:cochon:Schwein:maiale|sheep:oveja:mouton:Schaf:pecora|fox:zorro:renard:Fuchs:volpe|
bear:oso:ours:Bär:orso|wolf:lobo:loup:Wolf:lupo|mouse:ratón:souris:Maus:topo|house:casa:maison:Haus:casa|door:puerta:porte:Tür:porta|
window:ventana:fenêtre:Fenster:finestra|table:mesa:table:Tisch:tavolo|chair:silla:chaise:Stuhl:sedia|bed:cama:lit:Bett:letto|
book:libro:livre:Buch:libro|school:escuela:école:Schule:scuola|car:coche:voiture:Auto:macchina|train:tren:train:Zug:treno|
boat:barco:bateau:Boot:barca|street:calle:rue:Straße:strada|city:ciudad:ville:Stadt:città|garden:jardín:jardin:Garten:giardino|
tree:árbol:arbre:Baum:albero|flower:flor:fleur:Blume:fiore|sun:sol:soleil:Sonne:sole|moon:luna:lune:Mond:luna|
star:estrella:étoile:Stern:stella|sea:mar:mer:Meer:mare|river:río:rivière:Fluss:fiume|mountain:montaña:montagne:Berg:montagna|
rain:lluvia:pluie:Regen:pioggia|snow:nieve:neige:Schnee:neve|fire:fuego:feu:Feuer:fuoco|sky:cielo:ciel:Himmel:cielo|
wind:viento:vent:Wind:vento|day:día:jour:Tag:giorno|night:noche:nuit:Nacht:notte|week:semana:semaine:Woche:settimana|
month:mes:mois:Monat:mese|year:año:année:Jahr:anno|today:hoy:aujourd'hui:heute:oggi|tomorrow:mañana:demain:morgen:domani|
man:hombre:homme:Mann:uomo|woman:mujer:femme:Frau:donna|child:niño:enfant:Kind:bambino|boy:niño:garçon:Junge:ragazzo|
girl:niña:fille:Mädchen:ragazza|mother:madre:mère:Mutter:madre|father:padre:père:Vater:padre|brother:hermano:frère:Bruder:fratello|
sister:hermana:sœur:Schwester:sorella|son:hijo:fils:Sohn:figlio|daughter:hija:fille:Tochter:figlia|friend:amigo:ami:Freund:amico|
king:rey:roi:König:re|queen:reina:reine:Königin:regina|hand:mano:main:Hand:mano|head:cabeza:tête:Kopf:testa|eye:ojo:œil:Auge:occhio|
heart:corazón:cœur:Herz:cuore|red:rojo:rouge:rot:rosso|blue:azul:bleu:blau:blu|green:verde:vert:grün:verde|yellow:amarillo:jaune:gelb:giallo|
black:negro:noir:schwarz:nero|white:blanco:blanc:weiß:bianco|one:uno:un:eins:uno|two:dos:deux:zwei:due|three:tres:trois:drei:tre|
four:cuatro:quatre:vier:quattro|five:cinco:cinq:fünf:cinque|six:seis:six:sechs:sei|seven:siete:sept:sieben:sette|eight:ocho:huit:acht:otto|
nine:nueve:neuf:neun:nove|ten:diez:dix:zehn:dieci|big:grande:grand:groß:grande|small:pequeño:petit:klein:piccolo|good:bueno:bon:gut:buono|
bad:malo:mauvais:schlecht:cattivo|new:nuevo:nouveau:neu:nuovo|old:viejo:vieux:alt:vecchio|hot:caliente:chaud:heiß:caldo|
cold:frío:froid:kalt:freddo|beautiful:hermoso:beau:schön:bello|happy:feliz:heureux:glücklich:felice|sad:triste:triste:traurig:triste|
love:amor:amour:Liebe:amore|life:vida:vie:Leben:vita|time:tiempo:temps:Zeit:tempo|money:dinero:argent:Geld:soldi|work:trabajo:travail:Arbeit:lavoro|
world:mundo:monde:Welt:mondo|music:música:musique:Musik:musica|Monday:lunes:lundi:Montag:lunedì|Sunday:domingo:dimanche:Sonntag:domenica|
summer:verano:été:Sommer:estate|winter:invierno:hiver:Winter:inverno|spring:primavera:printemps:Frühling:primavera|
I love you:te quiero:je t'aime:ich liebe dich:ti amo|good:bueno:bon:gut:buono|teacher:maestro:professeur:Lehrer:insegnante|
letter:carta:lettre:Brief:lettera|word:palabra:mot:Wort:parola|language:idioma:langue:Sprache:lingua|chicken:pollo:poulet:Huhn:pollo|
kitchen:cocina:cuisine:Küche:cucina|key:llave:clé:Schlüssel:chiave|bridge:puente:pont:Brücke:ponte|church:iglesia:église:Kirche:chiesa""".replace("\n", ""))]

# questions (two or more, "/" between) > full answer > bare answer
_GENERAL = """What color is the sky?/the color of the sky/Which color is the sky?/What is the color of the sky on a clear day? > The sky is blue. > blue
What color is grass?/the color of grass/Which color is the grass? > Grass is green. > green
What color is snow?/the color of snow/Which color is snow? > Snow is white. > white
What color is a banana?/the color of a ripe banana/Which color are bananas? > A ripe banana is yellow. > yellow
What color is a tomato?/the color of a ripe tomato/Which color are tomatoes? > A ripe tomato is red. > red
What color is the sun?/the color of the sun in the sky/Which color is the sun? > The sun looks yellow in the sky. > yellow
What color is coal?/the color of coal/Which color is coal? > Coal is black. > black
What color is blood?/the color of blood > Blood is red. > red
What color is an orange?/the color of an orange > An orange is orange. > orange
What color do you get if you mix blue and yellow?/What do blue and yellow make?/Mix blue and yellow. What color is it? > Blue and yellow make green. > green
What color do you get if you mix red and yellow?/What do red and yellow make?/Mix red and yellow. What color is it? > Red and yellow make orange. > orange
What color do you get if you mix red and blue?/What do red and blue make?/Mix red and blue. What color is it? > Red and blue make purple. > purple
What color do you get if you mix black and white?/What do black and white make? > Black and white make gray. > gray
What color do you get if you mix red and white?/What do red and white make? > Red and white make pink. > pink
What are the primary colors?/Name the primary colors./the three primary colors > The primary colors are red, yellow and blue. > red, yellow and blue
What are the colors of the rainbow?/Name the colors of the rainbow./the colors of the rainbow > Red, orange, yellow, green, blue, indigo and violet. > red, orange, yellow, green, blue, indigo and violet
How many colors are in a rainbow?/the number of colors in a rainbow/How many colors does the rainbow have? > A rainbow has seven colors. > seven
What color is the ocean?/the color of the ocean > The ocean is blue. > blue
How many days are in a week?/the number of days in a week/How many days does a week have? > A week has 7 days. > 7
How many days are in a year?/the number of days in a year/How many days does a year have? > A year has 365 days, and a leap year has 366. > 365
How many months are in a year?/the number of months in a year/How many months does a year have? > A year has 12 months. > 12
How many weeks are in a year?/the number of weeks in a year/How many weeks does a year have? > A year has 52 weeks. > 52
How many hours are in a day?/the number of hours in a day/How many hours does a day have? > A day has 24 hours. > 24
How many minutes are in an hour?/the number of minutes in an hour/How many minutes does an hour have? > An hour has 60 minutes. > 60
How many seconds are in a minute?/the number of seconds in a minute/How many seconds does a minute have? > A minute has 60 seconds. > 60
How many days are in February?/the number of days in February > February has 28 days, and 29 in a leap year. > 28
How many seasons are there?/the number of seasons in a year/How many seasons are in a year? > There are four seasons. > four
What are the four seasons?/Name the four seasons./the four seasons/What are the seasons? > The four seasons are spring, summer, autumn and winter. > spring, summer, autumn and winter
Which season is the coldest?/the coldest season/What is the coldest time of the year? > Winter is the coldest season. > winter
Which season is the hottest?/the hottest season/What is the warmest time of the year? > Summer is the hottest season. > summer
What season comes after winter?/Which season follows winter?/the season after winter > Spring comes after winter. > spring
What season comes after summer?/Which season follows summer?/the season after summer > Autumn comes after summer. > autumn
How many legs does a spider have?/the number of legs of a spider/How many legs do spiders have? > A spider has 8 legs. > 8
How many legs does a dog have?/the number of legs of a dog/How many legs do dogs have? > A dog has 4 legs. > 4
How many legs does a cat have?/How many legs do cats have? > A cat has 4 legs. > 4
How many legs does an insect have?/the number of legs of an insect/How many legs do insects have? > An insect has 6 legs. > 6
How many legs does a bird have?/How many legs do birds have? > A bird has 2 legs. > 2
How many legs does a horse have?/How many legs do horses have? > A horse has 4 legs. > 4
How many arms does an octopus have?/the number of arms of an octopus/How many legs does an octopus have? > An octopus has 8 arms. > 8
How many fingers does a hand have?/How many fingers are on a hand?/the number of fingers on one hand > A hand has 5 fingers. > 5
How many fingers do people have?/How many fingers are on two hands? > People have 10 fingers. > 10
How many eyes do people have?/How many eyes does a person have? > People have 2 eyes. > 2
How many wheels does a car have?/the number of wheels of a car > A car has 4 wheels. > 4
How many wheels does a bicycle have?/the number of wheels of a bicycle > A bicycle has 2 wheels. > 2
How many sides does a triangle have?/the number of sides of a triangle > A triangle has 3 sides. > 3
How many sides does a square have?/the number of sides of a square > A square has 4 sides. > 4
How many sides does a hexagon have?/the number of sides of a hexagon > A hexagon has 6 sides. > 6
How many sides does a pentagon have?/the number of sides of a pentagon > A pentagon has 5 sides. > 5
How many sides does an octagon have?/the number of sides of an octagon > An octagon has 8 sides. > 8
How many letters are in the alphabet?/the number of letters in the English alphabet/How many letters does the alphabet have? > The English alphabet has 26 letters. > 26
What is the first letter of the alphabet?/the first letter of the alphabet > The first letter of the alphabet is A. > A
What is the last letter of the alphabet?/the last letter of the alphabet > The last letter of the alphabet is Z. > Z
What are the vowels?/Name the vowels./the vowels in English > The vowels are a, e, i, o and u. > a, e, i, o and u
Say the alphabet./What is the alphabet?/Write the alphabet. > A B C D E F G H I J K L M N O P Q R S T U V W X Y Z > A B C D E F G H I J K L M N O P Q R S T U V W X Y Z
How many planets are there?/the number of planets in the solar system/How many planets are in the solar system? > There are eight planets in the solar system. > eight
What is the largest planet?/the largest planet/Which planet is the biggest?/the biggest planet > Jupiter is the largest planet. > Jupiter
What is the smallest planet?/the smallest planet/Which planet is the smallest? > Mercury is the smallest planet. > Mercury
Which planet is closest to the sun?/the planet closest to the sun/What is the nearest planet to the sun? > Mercury is the planet closest to the sun. > Mercury
Which planet is the farthest from the sun?/the planet farthest from the sun > Neptune is the planet farthest from the sun. > Neptune
Which planet do we live on?/What planet do we live on?/the planet we live on > We live on Earth. > Earth
Which planet is called the red planet?/What is the red planet?/the red planet > Mars is called the red planet. > Mars
Which planet has rings?/What planet is known for its rings?/the planet with the famous rings > Saturn is known for its rings. > Saturn
Which planet is the hottest?/the hottest planet > Venus is the hottest planet. > Venus
What is the sun?/Is the sun a star?/What kind of thing is the sun? > The sun is a star. > a star
What is the moon?/What does the moon do? > The moon is a body of rock that goes around the Earth. > a body of rock
What goes around the Earth?/What circles the Earth? > The moon goes around the Earth. > the moon
How many moons does the Earth have?/How many moons does Earth have?/the number of moons of the Earth > The Earth has one moon. > one
What does the Earth go around?/What does the Earth orbit? > The Earth goes around the sun. > the sun
How long does the Earth take to go around the sun?/the time the Earth takes to go around the sun > The Earth takes one year to go around the sun. > one year
What is the largest ocean?/the largest ocean/Which ocean is the biggest?/the biggest ocean > The Pacific is the largest ocean. > the Pacific
What is the smallest ocean?/the smallest ocean > The Arctic Ocean is the smallest ocean. > the Arctic Ocean
How many oceans are there?/the number of oceans > There are five oceans. > five
How many continents are there?/the number of continents > There are seven continents. > seven
What are the continents?/Name the continents./the seven continents > The continents are Africa, Antarctica, Asia, Australia, Europe, North America and South America. > Africa, Antarctica, Asia, Australia, Europe, North America and South America
What is the largest continent?/the largest continent/Which continent is the biggest? > Asia is the largest continent. > Asia
What is the smallest continent?/the smallest continent > Australia is the smallest continent. > Australia
What is the coldest continent?/the coldest continent > Antarctica is the coldest continent. > Antarctica
What is the largest country?/the largest country in the world/Which country is the biggest? > Russia is the largest country in the world. > Russia
What is the smallest country?/the smallest country in the world > Vatican City is the smallest country in the world. > Vatican City
What is the highest mountain?/the highest mountain in the world/Which mountain is the tallest?/the tallest mountain > Mount Everest is the highest mountain in the world. > Mount Everest
What is the longest river?/the longest river in the world/Which river is the longest? > The Nile is the longest river in the world. > the Nile
What is the largest desert?/the largest hot desert/Which hot desert is the biggest? > The Sahara is the largest hot desert. > the Sahara
What is the largest animal?/the largest animal/Which animal is the biggest?/the biggest animal in the world > The blue whale is the largest animal. > the blue whale
What is the largest land animal?/the largest land animal > The elephant is the largest land animal. > the elephant
What is the tallest animal?/the tallest animal/Which animal is the tallest? > The giraffe is the tallest animal. > the giraffe
What is the fastest land animal?/the fastest land animal/Which animal runs the fastest?/the fastest animal on land > The cheetah is the fastest land animal. > the cheetah
What is the largest bird?/the largest bird > The ostrich is the largest bird. > the ostrich
Which animal is the king of the jungle?/the animal called the king of the jungle > The lion is called the king of the jungle. > the lion
Which bird cannot fly?/Name a bird that cannot fly. > The penguin is a bird that cannot fly. > the penguin
Which animal has a trunk?/What animal has a long trunk? > The elephant has a trunk. > the elephant
Which animal has a long neck?/What animal has a very long neck? > The giraffe has a long neck. > the giraffe
Which animal gives milk?/What animal do we get milk from?/Where does milk come from? > Milk comes from cows. > cows
Where does honey come from?/Who makes honey?/What makes honey? > Bees make honey. > bees
Where does wool come from?/What animal gives wool? > Wool comes from sheep. > sheep
Where do eggs come from?/Which animal lays the eggs we eat? > Eggs come from hens. > hens
What do bees make?/What do bees produce? > Bees make honey. > honey
What do cows eat?/What does a cow eat? > Cows eat grass. > grass
What do rabbits eat?/What does a rabbit eat? > Rabbits eat grass and leaves. > grass and leaves
What do pandas eat?/What does a panda eat? > Pandas eat bamboo. > bamboo
What do cats like to drink?/What do cats drink? > Cats drink water. > water
What do plants need to grow?/What does a plant need? > Plants need light, water and air. > light, water and air
What do caterpillars turn into?/What does a caterpillar become? > A caterpillar turns into a butterfly. > a butterfly
What do tadpoles turn into?/What does a tadpole become? > A tadpole turns into a frog. > a frog
Is a whale a fish?/Are whales fish? > No. A whale is a mammal. > No
Is a spider an insect?/Are spiders insects? > No. A spider has eight legs and is not an insect. > No
Is a bat a bird?/Are bats birds? > No. A bat is a mammal. > No
Is a penguin a bird?/Are penguins birds? > Yes. A penguin is a bird that cannot fly. > Yes
Can fish fly?/Do fish fly? > No. Fish swim. > No
Can birds fly?/Do birds fly? > Yes. Most birds can fly. > Yes
Can dogs talk?/Do dogs talk? > No. Dogs bark. > No
Can pigs fly?/Do pigs fly? > No. Pigs cannot fly. > No
Is ice cold?/Is ice hot or cold? > Ice is cold. > cold
Is fire hot?/Is fire hot or cold? > Fire is hot. > hot
Is the Earth flat?/Is the Earth round or flat?/What shape is the Earth? > The Earth is round. > round
Is water wet?/Is water wet or dry? > Water is wet. > wet
At what temperature does water boil?/the boiling point of water/When does water boil? > Water boils at 100 degrees Celsius. > 100 degrees Celsius
At what temperature does water freeze?/the freezing point of water/When does water freeze? > Water freezes at 0 degrees Celsius. > 0 degrees Celsius
What is water made of?/the chemical formula of water/What is the formula of water? > Water is H2O: hydrogen and oxygen. > H2O
What is H2O?/What does H2O mean?/What is H2O called? > H2O is water. > water
What is ice?/What is ice made of? > Ice is frozen water. > frozen water
What is steam?/What does water become when it boils? > Steam is water in the form of gas. > water in the form of gas
What do we breathe?/What do people breathe? > We breathe air. > air
Which gas do we need to breathe?/the gas we need to breathe/What gas do people need? > We need oxygen to breathe. > oxygen
Where does the sun rise?/Where does the sun come up? > The sun rises in the east. > the east
Where does the sun set?/Where does the sun go down? > The sun sets in the west. > the west
What are the four directions?/Name the four directions./the four compass directions > North, south, east and west. > north, south, east and west
How many degrees are in a circle?/the number of degrees in a circle > A circle has 360 degrees. > 360
How many degrees does a right angle have?/the number of degrees in a right angle > A right angle has 90 degrees. > 90
What is pi?/the value of pi > Pi is about 3.14159. > 3.14159
What is the speed of light?/the speed of light/How fast is light? > Light travels about 300,000 kilometers a second. > about 300,000 kilometers a second
How many bits are in a byte?/the number of bits in a byte > A byte has 8 bits. > 8
How many bytes are in a kilobyte?/the number of bytes in a kilobyte > A kilobyte has 1000 bytes. > 1000
What are the five senses?/Name the five senses./the five senses > Sight, hearing, smell, taste and touch. > sight, hearing, smell, taste and touch
How many senses do people have?/the number of human senses > People have five senses. > five
What do you see with?/What do we use to see? > You see with your eyes. > your eyes
What do you hear with?/What do we use to hear? > You hear with your ears. > your ears
What do you smell with?/What do we use to smell? > You smell with your nose. > your nose
What pumps blood?/the organ that pumps blood/Which organ pumps the blood? > The heart pumps blood. > the heart
Which organ do we think with?/the organ we think with/What do people think with? > We think with the brain. > the brain
How many teeth do adults have?/the number of teeth of an adult > Adults have 32 teeth. > 32
How many bones does a person have?/the number of bones in the human body/How many bones are in the human body? > The human body has 206 bones. > 206
Who wrote Romeo and Juliet?/the author of Romeo and Juliet/Who is the author of Romeo and Juliet? > William Shakespeare wrote Romeo and Juliet. > William Shakespeare
Who wrote Hamlet?/the author of Hamlet/Who is the author of Hamlet? > William Shakespeare wrote Hamlet. > William Shakespeare
Who wrote Alice's Adventures in Wonderland?/Who wrote Alice in Wonderland?/the author of Alice in Wonderland > Lewis Carroll wrote Alice's Adventures in Wonderland. > Lewis Carroll
Who wrote Treasure Island?/the author of Treasure Island > Robert Louis Stevenson wrote Treasure Island. > Robert Louis Stevenson
Who wrote Peter Pan?/the author of Peter Pan > J. M. Barrie wrote Peter Pan. > J. M. Barrie
Who wrote The Jungle Book?/the author of The Jungle Book > Rudyard Kipling wrote The Jungle Book. > Rudyard Kipling
Who wrote Little Women?/the author of Little Women > Louisa May Alcott wrote Little Women. > Louisa May Alcott
Who wrote The Wizard of Oz?/Who wrote The Wonderful Wizard of Oz?/the author of The Wizard of Oz > L. Frank Baum wrote The Wonderful Wizard of Oz. > L. Frank Baum
Who wrote Tom Sawyer?/the author of The Adventures of Tom Sawyer > Mark Twain wrote The Adventures of Tom Sawyer. > Mark Twain
Who wrote Pinocchio?/the author of Pinocchio > Carlo Collodi wrote Pinocchio. > Carlo Collodi
Who wrote The Wind in the Willows?/the author of The Wind in the Willows > Kenneth Grahame wrote The Wind in the Willows. > Kenneth Grahame
Who wrote The Secret Garden?/the author of The Secret Garden > Frances Hodgson Burnett wrote The Secret Garden. > Frances Hodgson Burnett
Who wrote Black Beauty?/the author of Black Beauty > Anna Sewell wrote Black Beauty. > Anna Sewell
Who wrote Don Quixote?/the author of Don Quixote > Miguel de Cervantes wrote Don Quixote. > Miguel de Cervantes
Who wrote Frankenstein?/the author of Frankenstein > Mary Shelley wrote Frankenstein. > Mary Shelley
Who painted the Mona Lisa?/the painter of the Mona Lisa/Who made the Mona Lisa? > Leonardo da Vinci painted the Mona Lisa. > Leonardo da Vinci
Who painted The Starry Night?/the painter of The Starry Night > Vincent van Gogh painted The Starry Night. > Vincent van Gogh
Who was the first person on the moon?/the first person on the moon/Who walked on the moon first? > Neil Armstrong was the first person on the moon. > Neil Armstrong
Who was the first president of the United States?/the first president of the United States/Who was the first US president? > George Washington was the first president of the United States. > George Washington
Who invented the telephone?/the inventor of the telephone > Alexander Graham Bell invented the telephone. > Alexander Graham Bell
Who invented the light bulb?/the inventor of the light bulb > Thomas Edison is known for the light bulb. > Thomas Edison
Who discovered gravity?/Who explained gravity?/the scientist who described gravity > Isaac Newton described gravity. > Isaac Newton
Who developed the theory of relativity?/the scientist behind the theory of relativity/Who came up with relativity? > Albert Einstein developed the theory of relativity. > Albert Einstein
Who was Albert Einstein?/Who is Albert Einstein? > Albert Einstein was a physicist who developed the theory of relativity. > a physicist
Who was William Shakespeare?/Who is Shakespeare?/Who was Shakespeare? > William Shakespeare was an English writer of plays and poems. > a writer
Who was Leonardo da Vinci?/Who is Leonardo da Vinci? > Leonardo da Vinci was an Italian painter and inventor. > a painter and inventor
Who was Mozart?/Who is Mozart? > Mozart was a composer from Austria. > a composer
Who was Isaac Newton?/Who is Isaac Newton? > Isaac Newton was an English scientist who described gravity. > a scientist
Who was Marie Curie?/Who is Marie Curie? > Marie Curie was a scientist who studied radioactivity. > a scientist
Who reached America in 1492?/the explorer who reached America in 1492/Who sailed to America in 1492? > Christopher Columbus reached America in 1492. > Christopher Columbus
Where is the Eiffel Tower?/the city with the Eiffel Tower/In which city is the Eiffel Tower? > The Eiffel Tower is in Paris. > Paris
Where is the Colosseum?/the city with the Colosseum > The Colosseum is in Rome. > Rome
Where is Big Ben?/the city with Big Ben > Big Ben is in London. > London
Where is the Statue of Liberty?/the city with the Statue of Liberty > The Statue of Liberty is in New York. > New York
Where are the pyramids?/the country with the great pyramids/Where are the great pyramids? > The great pyramids are in Egypt. > Egypt
Where is the Great Wall?/the country with the Great Wall > The Great Wall is in China. > China
Where is the Taj Mahal?/the country with the Taj Mahal > The Taj Mahal is in India. > India
Where do kangaroos live?/the country where kangaroos live > Kangaroos live in Australia. > Australia
Where do penguins live?/the place where penguins live > Many penguins live in Antarctica. > Antarctica
Where do polar bears live?/the place where polar bears live > Polar bears live in the Arctic. > the Arctic
Where do camels live?/the place where camels live > Camels live in the desert. > the desert
Where do fish live?/the place where fish live > Fish live in water. > water
What is the largest city in the United States?/the largest city in the United States > New York is the largest city in the United States. > New York
What language do they speak in Brazil?/Which language is spoken in Brazil? > In Brazil people speak Portuguese. > Portuguese
How many states are in the United States?/the number of states in the United States/How many states does the USA have? > The United States has 50 states. > 50
What is the opposite of north?/Which direction is opposite to north? > The opposite of north is south. > south
What do you use an umbrella for?/What is an umbrella for? > An umbrella keeps you dry in the rain. > the rain
What do you use a key for?/What is a key for? > A key opens a lock. > to open a lock
What do you use a pen for?/What is a pen for? > You write with a pen. > to write
What do you use a knife for?/What is a knife for? > You cut with a knife. > to cut
What do you use a clock for?/What is a clock for? > A clock shows the time. > to show the time
What do you wear on your head?/What goes on your head? > You wear a hat on your head. > a hat
What do you wear on your feet?/What goes on your feet? > You wear shoes on your feet. > shoes
Who teaches children at school?/Who works at a school and teaches? > A teacher teaches children at school. > a teacher
Who bakes bread?/What do you call a person who bakes bread? > A baker bakes bread. > a baker
Who flies a plane?/What do you call a person who flies a plane? > A pilot flies a plane. > a pilot
Who helps sick people?/What do you call a person who helps sick people? > A doctor helps sick people. > a doctor
Who puts out fires?/What do you call a person who puts out fires? > A firefighter puts out fires. > a firefighter
Who grows food on a farm?/What do you call a person who works on a farm? > A farmer grows food on a farm. > a farmer
Who paints pictures?/What do you call a person who paints? > A painter paints pictures. > a painter
Who writes books?/What do you call a person who writes books? > A writer writes books. > a writer
What is bread made of?/What do you need to make bread? > Bread is made of flour, water, yeast and salt. > flour, water, yeast and salt
What is cheese made of?/What is cheese made from? > Cheese is made from milk. > milk
What is paper made of?/What is paper made from? > Paper is made from wood. > wood
What is glass made of?/What is glass made from? > Glass is made from sand. > sand
What is wine made of?/What is wine made from? > Wine is made from grapes. > grapes
What is a book made of?/What is in a book? > A book is made of paper pages. > paper
What comes after A?/Which letter comes after A? > B comes after A. > B
How old is the Earth?/the age of the Earth > The Earth is about 4.5 billion years old. > about 4.5 billion years
How far away is the moon?/the distance to the moon > The moon is about 384,000 kilometers away. > about 384,000 kilometers
Why is the sky blue?/Tell me why the sky is blue. > The air scatters blue light from the sun more than other colors. > The air scatters blue light.
Why do we sleep?/Why do people sleep? > People sleep so that the body and the mind can rest. > to rest
Why do birds have wings?/Why does a bird have wings? > Birds have wings so that they can fly. > to fly
Why do leaves fall?/Why do trees lose their leaves? > Many trees lose their leaves in autumn to save water and energy. > to save water and energy
Why does ice float?/Why does ice float on water? > Ice floats because it is lighter than water. > it is lighter than water
What is rain?/Where does rain come from? > Rain is water that falls from clouds. > water from clouds
What is snow?/What is snow made of? > Snow is frozen water that falls from clouds. > frozen water
What is a rainbow?/How does a rainbow form? > A rainbow is an arc of colors that appears when sunlight shines through rain. > an arc of colors
What is gravity?/What does gravity do? > Gravity is the force that pulls things toward the Earth. > a force
What is the internet?/What is the Internet? > The internet is a network that connects computers all over the world. > a network of computers
What is a computer?/What does a computer do? > A computer is a machine that follows instructions and works with data. > a machine
What is a computer program?/What is software? > Software is a set of instructions that a computer follows. > instructions for a computer
What is Go?/What is Golang?/What is the Go programming language?/What is Go programming? > Go is a programming language made at Google. It is simple and compiles fast. > a programming language
What is Python?/What is the Python programming language? > Python is a programming language that is easy to read. > a programming language
What is an API?/What does API stand for? > An API is an application programming interface: a way for programs to talk to each other. > application programming interface
What is JSON?/What does JSON stand for? > JSON is a text format for data. It stands for JavaScript Object Notation. > a text format for data
What is a CPU?/What does CPU stand for? > A CPU is a central processing unit, the part of a computer that runs programs. > central processing unit
What is a GPU?/What does GPU stand for? > A GPU is a graphics processing unit. It does many calculations at once. > graphics processing unit
What does RAM stand for?/What is RAM? > RAM is random access memory, the working memory of a computer. > random access memory
What does HTML stand for?/What is HTML? > HTML is HyperText Markup Language, the language of web pages. > HyperText Markup Language
What is a language model?/What is an LLM? > A language model is a program that predicts the next piece of a text. > a program that predicts text
What is a neural network?/What are neural networks? > A neural network is a program that learns patterns from examples. > a program that learns from examples
What is machine learning?/What does machine learning mean? > Machine learning means that a program learns from examples instead of fixed rules. > learning from examples
What is artificial intelligence?/What is AI?/What does AI mean? > Artificial intelligence is the work of making machines do things that need thinking. > machines that do things that need thinking
What is a token?/What is a token in a language model? > A token is a small piece of text, such as a word or a part of a word. > a small piece of text
What is quantization?/What does quantization do? > Quantization stores the numbers of a model with fewer bits, so that it is smaller. > storing numbers with fewer bits
What is open source?/What is open source software? > Open source software is software whose source code everyone may read and change. > software with public source code
How do you make tea?/How do I make tea?/Tell me how to make tea. > Boil water, pour it over the tea, wait a few minutes and enjoy. > Boil water and pour it over the tea.
How do you boil an egg?/How do I boil an egg?/Tell me how to boil an egg. > Put the egg in boiling water, wait about eight minutes and cool it in cold water. > Boil it for about eight minutes.
How do you make a sandwich?/How do I make a sandwich?/Tell me how to make a sandwich. > Take two slices of bread, put cheese and tomato between them and press them together. > Put cheese and tomato between two slices of bread.
How do you plant a seed?/How do I plant a seed? > Put the seed in soil, give it water and keep it in the light. > Put it in soil and give it water."""
GENERAL = []
for _line in _GENERAL.splitlines():
    _q, _a, _s = [part.strip() for part in _line.split(" > ")]
    GENERAL.append((tuple(_q.split("/")), _a, _s))
