# SPDX-License-Identifier: Apache-2.0
"""The plots of the story grammar.

A plot is a list of beats parted by empty lines; a beat is a list of
alternatives, one a line. Slots: {N} the hero's name, {k} the hero's kind, {he}
{him} {his} and their capitals, {F} and {f} a friend's name and kind, {P} a
place, {o} an object, {a} an adjective, {e} food.
"""

OPENINGS = """Once upon a time there was a {a} {k} named {N}. {He} lived {H}.
Once upon a time, {H}, there lived a {a} {k} called {N}.
There once was a {k} named {N} who lived {H}. {N} was very {a}.
Long ago, a {a} {k} lived {H}. {His} name was {N}.
{N} was a {a} little {k} who lived {H}.
{H2} lived a {k} named {N}. Everyone said that {N} was {a}.
A {a} {k} named {N} had a small home {H}.
Not far from here, {H}, there lived a {k}. {His} name was {N}, and {he} was {a}."""

MOMENTS = """One sunny morning|One cold morning|One day in spring|One windy day|One quiet evening|One summer day|On a rainy day|One bright day
Early one morning|One afternoon|On the first day of autumn|One fine day|Late one evening|On a snowy day|One warm night"""

ENDINGS = """From that day on, {N} and {F} were the best of friends.
That night {N} fell asleep with a smile.
And {N} was happy for a long, long time.
After that, {N} never forgot what {he} had learned.
And so {N} and {F} lived happily ever after.
When the stars came out, {N} was glad to be home.
"What a good day," said {N}, and closed {his} eyes.
Ever since then, {N} has told this story to everyone who will listen."""

PLOTS = {
    "lost": """{M}, {N} walked too far {P2} and lost the way.
{M}, {N} followed a butterfly {P2} and soon did not know where {he} was.
{M}, {N} went {P2} to look for {e}, but the path was gone.

"Which way is home?" {he} asked, but only the wind answered.
{He} looked left and {he} looked right, but every tree looked the same.
{N} sat down on a stone and tried not to cry.

Then a {f} named {F} came by. "Are you lost?" asked {F}.
Just then {he} heard a small voice. It was {F}, a {f} with bright eyes.
A kind {f} called {F} saw {him} and stopped.

"I want to go home," said {N}. "Then let us look for the way together," said {F}.
"I know these paths," said {F}. "Stay close to me."
"Do not be afraid," said {F}. "I will show you the way."

They walked past the old well and over a small bridge.
They followed the river until they saw a light far away.
They climbed a hill, and from the top {N} saw {his} own little house.

"You are a true friend," said {N}, and gave {F} some {e}.
{N} thanked {F} and asked {him2} to stay for supper.
At home {N} shared {his} {e} with {F}, and they laughed about the long walk.""",
    "found": """{M}, {N} found a {o} {P2}.
{M}, something shiny lay {P2}. It was a {o}!
{M}, {N} stumbled over something {P2}. {He} looked down and saw a {o}.

"How beautiful!" said {N}. {He} wanted to keep it very much.
{N} had never seen such a fine thing before.
{He} picked it up and held it in the light.

But then {he} thought, "Someone must be looking for it."
But {he} could not sleep that night, because it was not {his}.
But when {he} went on, {he} heard somebody crying.

{N} asked everyone in the village, until {he} met {F}, a sad {f}.
Behind a tree sat a {f} named {F}. "I lost my {o}," said {F}.
At last {he} came to a {f} called {F}, who was looking under every stone.

"Is this yours?" asked {N}. {F} jumped for joy.
{N} held out the {o}, and the face of {F} began to shine.
"Here it is," said {N}. "I kept it safe for you."

"You are honest," said {F}. "Honest hearts are worth more than gold."
{F} thanked {N} and gave {him} {e} and a warm hug.
"How can I thank you?" asked {F}. "Be my friend," said {N}.""",
    "stuck": """{M}, {N} heard a cry {P2}. "Help! Help me!"
{M}, {N} was walking {P2} when {he} heard a faint voice.
{M}, while {N} was looking for {e} {P2}, somebody called for help.

It was {F}, a {f}, who had fallen into a deep hole.
A {f} named {F} was caught between two big stones.
A small {f} called {F} sat high in a tree and could not come down.

{N} was small, but {he} did not run away.
{N} was afraid, but {he} knew that {he} had to try.
At first {N} did not know what to do. Then {he} had an idea.

{He} found a long rope and tied it to a tree.
{He} ran to the village and came back with a ladder.
{He} pushed and pulled with all {his} strength.

"Hold on!" cried {N}. Slowly, very slowly, {F} came free.
Once, twice, three times {he} tried, and then {F} was safe.
It took a long time, but in the end {F} stood on the soft grass again.

"You saved me," said {F}. "I will never forget it."
"I thought that nobody would come," said {F}. "You are very brave."
{F} hugged {N} and said, "If you ever need me, just call."

A week later {N} slipped into the cold river, and it was {F} who pulled {him} out.
Some days later {N} lost {his} {o}, and {F} helped {him} to find it.
And indeed, when winter came, {F} brought {N} a basket full of {e}.""",
    "learn": """{N} had one great wish: {he} wanted to learn to {v}.
More than anything else, {N} wanted to {v}.
Every night {N} dreamed that {he} could {v}.

"You will never learn it," said the others and laughed.
{M}, {he} tried for the first time, but it went badly.
{M}, {he} tried it {P2}, but {he} fell on {his} nose.

{N} was sad and sat down {P2}.
"It is too hard for me," said {N}, and a tear rolled down {his} cheek.
{He} wanted to give up.

Then an old {f} named {F} sat down beside {him}. "I will help you," said {F}.
A wise {f} called {F} had watched {him}. "Nobody can do it on the first day," said {F}.
{F}, a friendly {f}, said, "Try a little every day. That is the secret."

So {N} practiced every morning and every evening.
Day after day {N} tried again, and each day it went a little better.
{N} tried ten times, and then ten times more.

And one day it happened. {N} could {v}!
At last, on a clear morning, {N} did it. {He} could really {v}!
When spring came, {N} could {v} better than anyone else.

"I knew it," said {F} and smiled.
Everyone clapped, and {F} clapped the loudest.
Now nobody laughed any more. They all wanted to learn it too.""",
    "share": """It was a hard winter, and {N} had only a little {e} left.
{M}, {N} had a basket full of {e}. {He} wanted to eat it all alone.
{M}, {N} found a lot of {e} {P2}.

On the way home {he} met {F}, a hungry {f}.
There was a knock at the door. Outside stood a {f} named {F}, cold and hungry.
A thin {f} called {F} looked at the {e} with big eyes.

"I have not eaten for two days," said {F} softly.
"Could I have a small piece?" asked {F}.
"It smells so good," said {F}, and looked at the ground.

{N} thought for a while. There was not much, but it was enough for two.
"No," {N} wanted to say. But then {he} saw how tired {F} was.
{N} remembered how it felt to be hungry.

"Sit down," said {N}. "We will share it."
{He} cut the {e} into two parts and gave {F} the bigger one.
{N} made a fire, and they ate together.

It was strange: the {e} had never tasted so good.
They talked and sang until it was late.
"Food tastes better with a friend," said {N}.

In summer {F} came back with a big {o} as a present.
The next morning {F} showed {N} a place where {e} was plenty.
Next year, when {N} had nothing, {F} shared everything with {him}.""",
    "storm": """{M}, black clouds came up and the wind began to howl.
{M}, a great storm came over the land.
{M}, it began to rain, and it did not stop.

{N} ran {P2} as fast as {he} could and looked for shelter.
{N} was far from home, and the thunder was loud.
The rain fell so hard that {N} could not see the path.

Under a big tree {he} found {F}, a {f}, who was shaking with fear.
There {he} met a {f} named {F}, who was wet from head to foot.
Then {he} heard {F}, a little {f}, calling from behind a rock.

"I am afraid of the thunder," said {F}.
"I cannot go on," said {F}. "I am too tired."
"My house is gone," said {F}. "The wind took it."

"Come with me," said {N}. "Two are stronger than one."
{N} took the {f} by the hand and said, "We will do it together."
"Then hold my {o}," said {N}, "and do not let go."

Soon they found a dry cave and made a small fire.
At last they reached an old barn and crept into the warm hay.
They found an empty hut, closed the door, and were safe.

They told each other stories until the storm was over.
They sang songs, and with every song the thunder sounded less loud.
They ate {e} and waited for the morning.

When the sun came out, a rainbow stood over the hills.
In the morning the sky was blue, and every leaf was shining.
When it was quiet again, they went out and helped the neighbors.""",
    "dark": """{N} had a secret. {He} was afraid of the dark.
Every night, when the lamp went out, {N} pulled the blanket over {his} head.
{N} was never afraid in the daytime, but the night was different.

{M}, {he} heard a strange noise outside. Tap, tap, tap.
{M}, something scratched at the window.
{M}, there was a soft voice in the dark.

{His} heart beat fast. "Who is there?" asked {N}.
{N} took {his} {o} and went to the door on tiptoe.
"I must be brave," {he} whispered, and opened the door just a little.

There stood {F}, a very small {f}. "I am afraid of the dark," said {F}. "May I come in?"
It was only {F}, a {f} from next door. "I cannot sleep," said {F}.
Outside sat a {f} named {F}. "Do not be afraid," said {F}. "I only wanted to show you something."

{N} had to laugh. "I am afraid too," {he} said. "Come, let us look at it together."
Together they went out into the garden and looked up.
{N} took {F} by the hand, and they stepped out into the night.

The sky was full of stars, more than anyone could count.
The moon was shining, and fireflies danced over the grass.
An owl called softly, and the whole world smelled of flowers.

"The dark is not bad at all," said {N}. "It is only the day that is sleeping."
"Without the dark we would never see the stars," said {F}.
"How beautiful it is," said {N}, and {he} was not afraid any more.""",
    "race": """{M}, there was a great race {P2}. Everyone wanted to win.
{M}, the animals of the land held a race.
{M}, a sign hung on the old oak: "Who is the fastest of all?"

"I will win," said {F}, a proud {f}. "Nobody is as fast as I am."
{F}, a quick {f}, laughed at {N}. "You are much too slow," said {F}.
{N} was not the fastest, but {he} wanted to try.

The race began. {F} ran ahead like the wind.
One, two, three, go! At once {F} was far in front.
Everybody ran, and {N} was the last.

But halfway there, {F} fell and hurt a foot.
But at the river {F} stopped to admire {his2} own face in the water.
But soon {F} was so sure of winning that {he2} lay down for a nap.

{N} could have run past. But {he} stopped and asked, "Can I help you?"
When {N} came by, {he} did not laugh. "Come," {he} said, "let us finish together."
{N} saw it and thought, "A friend is more important than a prize."

Side by side they came to the end, and everyone cheered.
They crossed the line at the same time, and both got a {o}.
They were the last to arrive, but nobody was greeted with more joy.

"You are the real winner," said {F}. "I am sorry that I laughed."
"I was proud and silly," said {F}. "Thank you for waiting."
From then on {F} never laughed at anyone again.""",
    "garden": """{M}, {N} found a tiny seed {P2}.
{M}, an old woman gave {N} a single seed.
{M}, the wind blew a small seed to {N}'s door.

{He} planted it in the garden and gave it some water.
{He} put it in a pot and set it in the sun.
{He} dug a little hole, put the seed in and covered it with earth.

The next day {he} looked, but nothing had happened.
{N} waited one day, two days, three days. Nothing came up.
"Grow, little seed," said {N} every morning. But nothing grew.

"Throw it away," said {F}, a {f} from next door. But {N} did not want to.
"You must be patient," said {F}, an old {f}.
{F}, {his} friend the {f}, came every day to look at it too.

{N} gave it water each day and sang to it in the evening.
It rained, and then the sun was shining, and {N} waited.
{N} did not give up. {He} watered the seed and pulled out the weeds.

Then, one morning, there was a small green leaf!
And one morning a little green tip came out of the earth.
After a week something green was looking at {him}.

It grew and grew until it was a tree full of {e2}.
By summer it was a flower as tall as a house.
By autumn it was so big that everyone could sit in its shade.

{N} asked all the neighbors to a feast under the branches.
{N} gave some to {F} and to everyone in the village.
"Good things need time," said {N}.""",
    "truth": """{M}, {N} was playing in the house and broke a {o}.
{M}, {N} ran too fast, and crash! The beautiful {o} fell to the floor.
{M}, {N} wanted to look at the {o} of {his} friend {F}. It slipped and broke.

{N} was scared. Quickly {he} hid the pieces under the bed.
"Oh no," said {N}. {He} put the pieces in a box and ran away.
Nobody had seen it. {N} swept up the pieces and said nothing.

In the evening {F}, a {f}, asked, "Did you see my {o}?"
Then {F} came home. {F} was a kind {f}. "Where is my {o}?" asked {F}.
Soon {F}, the {f}, began to look for it everywhere.

{N} felt a heavy stone in {his} stomach.
{N} looked at {his} feet and did not know what to say.
{N} could not eat, and {he} could not play.

At last {he} said, "It was me. I broke it. I am very sorry."
Then {he} took a deep breath and told the truth.
In the end {he} brought the pieces and said, "I did it."

{F} was quiet for a moment. Then {F} smiled.
"I am sad about it," said {F}, "but I am glad that you told me."
"A {o} can be mended," said {F}. "It is harder to mend a lie."

Together they glued the pieces, and it was almost as good as new.
{N} saved up all {his} coins and bought a new one.
The next day they made a new one together, and it was even nicer.""",
    "map": """{M}, {N} found an old map in the attic.
{M}, {N} found a bottle by the water. Inside was a map!
{M}, an old map fell out of a book, right at {N}'s feet.

On it was a red cross. "A treasure!" cried {N}.
It showed a long way and a big red X.
"Follow the dots," was written on it, "and you will find the treasure."

{He} called {his} friend {F}, a clever {f}, and they set out at once.
"Come with me," {he} said to {F}, the {f} next door.
{F}, a curious {f}, wanted to come along.

They crossed a deep river and walked through a dark wood.
They climbed over rocks and crawled through a narrow cave.
They walked for three days, and at night they slept under the stars.

On the way they shared their {e} and told each other jokes.
Once they got lost, and once they almost gave up.
When {N} was tired, {F} carried the bag. When {F} was afraid, {N} sang a song.

At last they found a wooden box under an old tree.
Under the red cross they dug until they hit something hard.
Behind a waterfall stood a small chest.

Inside was only a {o} and a note: "The way was the treasure."
They opened it. There was no gold in it, only a {o} and a letter.
In it lay a {o}, a bit dusty, and nothing else.

They looked at each other and began to laugh.
"I do not mind," said {N}. "I found a friend on the way."
"We had the best time of our lives," said {F}, and it was true.""",
    "new": """{M}, somebody new moved in next door. It was {F}, a {f}.
{M}, a cart full of boxes stood in front of the next house. A {f} named {F} had come to live there.
{M}, a stranger came to the village: a {f} called {F}.

{F} was shy and did not talk to anyone.
The others looked at {F} and whispered.
"I do not think that anybody wants to play with me," thought {F}.

{N} watched from the window and felt sorry.
{N} knew how it was to be alone.
"Somebody should say hello," thought {N}.

So {he} took some {e} and knocked at the door.
{He} picked some flowers and went over.
{He} put on {his} best hat, took a deep breath and rang the bell.

"Hello," said {N}. "I live next door. Would you like to play?"
"Welcome!" said {N}. "This is for you."
"I am {N}," {he} said. "What is your name?"

{F} opened the door just a little, and then a little more.
First {F} said nothing. Then came a small smile.
"Nobody has ever been so kind to me," said {F}.

{F} could do something that nobody else could do: {he2} could {v}.
Inside, {F} showed {him} a {o} from a far country.
They played all afternoon and forgot the time.

Soon all the others came to play as well.
Before long everyone wanted to be a friend of {F}.
After a week it was as if {F} had always lived there.""",
    "boat": """{N} wanted to see what was on the other side of the lake.
"One day I will see the sea," {N} always said.
{M}, {N} stood by the water and thought, "I would love to sail."

So {he} began to build a boat out of old wood.
So {he} took a barrel, a stick and a bed sheet and built a boat.
{He} took {his} tools and worked from morning until night.

"That will never swim," said {F}, a {f} who always knew better.
{F}, a strong {f}, helped to carry the boards.
{His} friend {F}, a {f}, held the nails and sang a song.

When the boat was ready, {N} painted a {o} on it.
At last it was finished. It was a bit crooked, but it was a real boat.
It was blue and had a white sail.

{M2} they pushed it into the water. It did not sink!
Together with {F}, {he} sailed away, and the wind was good.
{N} and {F} jumped in, and off they went.

A wave splashed over them, and they laughed.
In the middle of the lake a big fish came up and wished them a good day.
Suddenly there was a hole in the boat! Quickly {N} put {his} hat on it.

On the other side they found a beach full of {e2}.
On the other side they met others who also had always wondered what was over there.
In the evening they came to a small island with a tree on it.

They stayed until the sun went down, and then they sailed home.
"Where shall we go tomorrow?" asked {F}.
"The world is big," said {N}, "and we have a boat." """,
    "birthday": """Tomorrow was the birthday of {F}, a {f} and {N}'s best friend.
{M}, {N} remembered that {F} the {f} had a birthday.
{N}'s friend {F}, a {f}, was going to have a birthday.

But {N} had no present and no money.
"What can I give {F}?" thought {N}. {His} pockets were empty.
{N} wanted to find the best present in the world.

{He} looked {P2}, but {he} found only stones and leaves.
First {he} wanted to give {F} a {o}, but it was too expensive.
{He} tried to bake a cake, but it burned and turned black.

Then {he} had an idea. {He} took paper and colors.
{He} sat down and thought for a long time.
In the evening {he} had a wonderful idea and set to work at once.

{He} drew a picture of all the good days they had had together.
{He} made up a song about {F} and practiced it all night.
{He} tied a ribbon around a small box and wrote a letter.

The next day everybody brought big presents. {N} was ashamed of {his} small one.
At the party {N} waited until all the others had given their presents.
{N} held out the present with a red face.

But {F} was so happy that {he2} had tears in {his2} eyes.
{F} looked at it for a long time and then hugged {N}.
"This is the best present of all," said {F}.

"You made it yourself," said {F}, "and it comes from your heart."
Then they ate {e} and danced until midnight.
It still hangs over {F}'s bed today.""",
    "magic": """{M}, {N} found a small blue stone {P2}.
{M}, {N} helped an old woman to carry her basket. She gave {him} a little stone.
{M}, a tiny fairy sat on {N}'s window and gave {him} a magic {o}.

"You have one wish," said a voice.
"It will give you one wish," she said. "Think well."
It began to glow, and a voice said, "Make a wish!"

What should {he} wish for? A mountain of {e}? A golden {o}?
{N} thought about it all day and all night.
"I could be rich," {he} thought. "Or I could be a king."

Then {he} saw {F}, a poor {f}, who was sick and could not walk.
Just then {F} came along, a {f} who had lost {his2} home in a fire.
On the road {he} met {F}, an old {f} who was all alone.

{N} did not think any longer. "I wish that {F} is well and happy," {he} said.
{N} looked at {F}, and then {he} knew what to do.
"My wish is for {F}," said {N}.

There was a flash of light, and the stone was gone.
A warm wind blew, and little lights danced in the air.
The light went out, and it was very quiet.

{F} laughed and jumped for joy. "What has happened?" cried {F}.
"I feel wonderful!" cried {F}. "Was it you?"
When {F} looked up, everything was good.

{N} only smiled. {He} did not need a wish. {He} had a friend.
And {N} felt richer than any king.
"I would do it again," said {N}.""",
    "star": """{M}, a little star fell from the sky.
{M}, {N} saw a light fall down {P2}.
{M}, something bright fell right into {N}'s garden.

{N} ran out and found it in the grass. It was cold and pale.
It was a star, no bigger than a {o}.
{He} found it between the flowers. It was crying.

"I want to go home," said the star. "But the sky is so high."
"I fell down," said the star, "and now I cannot get back."
"My mother is waiting for me," it said.

"I will help you," said {N}, and put the star into {his} pocket.
{N} called {F}, a {f} who could climb very well.
{N} asked {F}, a wise old {f}, what to do.

First they climbed the highest tree, but it was not high enough.
They climbed on the roof and threw the star into the air, but it fell down again.
They built a tower of chairs, but it was too short.

"We need a kite," said {F}. So they built one out of paper and string.
Then {N} asked the wind for help.
Then an eagle came by. "I will take it up," said the eagle.

Up and up went the star, until it was only a small point of light.
The star flew higher and higher and began to shine again.
"Thank you!" called the star, and then it was home.

Every night it winks at {N} from the sky.
Since then one star shines brighter than the others, just over {N}'s house.
And if you look up tonight, you can see it too.""",
    "sick": """{M}, {N} heard that {his} friend {F}, a {f}, was sick.
{M}, {F} the {f} did not come out to play. {N} was worried.
{M}, {N} knocked at the door of {F}, a {f}, but nobody opened.

{F} lay in bed and had a fever.
"I feel so weak," said {F}.
"I cannot get up," said {F} from the bed.

"I will make you some soup," said {N}.
{N} did not wait long. {He} went {P2} to look for herbs.
"I will take care of you," said {N}.

{He} cooked a big pot of soup with {e}.
{He} made hot tea with honey and brought a warm blanket.
On the way {he} fell into the mud, but {he} did not give up.

{He} sat by the bed and told funny stories.
{He} read from a thick book until {F} fell asleep.
{He} stayed the whole night and held {his2} hand.

The next day {F} felt a little better, and the day after that {he2} could walk.
After three days the fever was gone.
In the morning {F} opened {his2} eyes and smiled.

"You are the best doctor in the world," said {F}.
"The soup was good," said {F}, "but you were better."
"I will never forget this," said {F}.

A month later {N} was sick, and guess who brought the soup?
Then they went out into the sun and played with a {o}.
And they celebrated with {e}.""",
    "greedy": """{M}, {N} found a tree full of {e2} {P2}.
{M}, {N} found a whole sack of {e}.
{M}, {N} won a big basket of {e} at the fair.

"All of it is mine!" {he} said and ate and ate.
{He} did not want to give any of it away.
"I will not tell anybody," {he} thought.

{F}, a {f}, came by and asked for a little piece. "No," said {N}. "Go away!"
{F}, a hungry {f}, asked, "May I have some?" But {N} shook {his} head.
When {his} friend {F}, a {f}, knocked at the door, {N} did not open.

Soon {his} stomach hurt so much that {he} could not move.
In the night {he} had a terrible stomachache.
{He} ate until {he} was as round as a ball, and then {he} could not get out of the door.

"Help!" cried {N}. But who would come?
{He} lay there and felt very sorry for {himself}.
"I have been so silly," {he} thought.

But {F} had heard it and came at once.
It was {F} who came and brought {him} a cup of tea.
{F} was not angry. {F} sat down beside {him} and rubbed {his} belly.

"Why do you help me?" asked {N}. "Because you are my friend," said {F}.
"I was greedy," said {N}. "Please forgive me."
"I am sorry," said {N}. "Take all that is left."

The next day they shared everything, and it was much more fun.
From then on {N} shared everything {he} had.
And {N} learned that half is often more than the whole.""",
    "music": """{N} loved music more than anything else.
{N} had an old {i} and played it every day.
Every evening {N} sat in front of the house and played the {i}.

But {he} was too shy to play for others.
But when anybody listened, {his} hands began to shake.
"I am not good enough," {he} always said.

{M}, {F}, a {f}, heard the music {P2} and stopped.
{M}, a {f} named {F} was walking by and heard the sweet sound.
{M}, {F}, a sad {f}, sat under the window and listened.

"Who plays so beautifully?" asked {F}.
"Please do not stop," said {F}. "It makes me happy."
"I was so sad today," said {F}, "and now I feel better."

"There is a feast in the village tonight," said {F}. "You must play there."
"Would you play at the big feast?" asked {F}.
"Everyone should hear this," said {F}.

{N}'s heart was beating fast, but {F} stood beside {him}.
"I am afraid," said {N}. "Just look at me," said {F}, "and play for me."
{N} closed {his} eyes and began to play.

First it was quiet. Then everyone began to dance.
The whole village listened, and nobody made a sound. Then they all cheered.
Even the birds in the trees stopped to listen.

"Again!" they called. "Again!"
Since that day {N} plays at every feast.
{N} looked at {F} and laughed for joy.""",
    "job": """{M}, {N} went to the town to look for work.
{N} wanted to be useful, but {he} did not know how.
{M}, {N} decided to find a job.

First {he} tried to be a baker, but {he} ate all the {e}.
First {he} worked for a tailor, but {he} sewed the sleeves shut.
At first {he} tried to sell a {o}, but nobody wanted it.

Then {he} tried to be a painter, but there was more paint on {him} than on the wall.
Then {he} carried letters, but {he} stopped to talk with everyone.
Then {he} tried to be a cook, but the soup jumped out of the pot.

"I am good for nothing," said {N}, and sat down {P2}.
In the evening {he} was tired and sad.
"Maybe there is no job for me," {he} thought.

There {he} met {F}, a little {f}, who was crying.
A {f} named {F} sat down next to {him}. {F} looked very lonely.
Then {F} came by, a {f} with a long face.

{N} told {F} about all {his} bad luck, and {F} began to laugh.
{N} made a funny face, and {F} had to smile.
"Let me tell you a story," said {N}. Soon {F} was laughing.

"You make others happy," said {F}. "That is the best job of all!"
"You tell wonderful stories," said {F}. "That is what you should do!"
"Do you know what you are good at?" said {F}. "You listen, and you make people laugh."

So {N} became a storyteller, and everyone came to listen.
Now {N} tells stories in the market every day.
And so {N} found the right job at last.""",
    "river": """{M}, the river rose higher and higher.
{M}, the bridge {P2} broke, and nobody could cross the river.
{M}, {N} saw that the water was coming close to the houses.

On the other side sat {F}, a {f}, who could not come home.
{F}, a young {f}, sat on a stone in the middle of the water.
"Help!" called {F}, a {f} who could not swim.

"We must do something," said {N}.
The others were afraid and stood still.
"It is too dangerous," said the others. But {N} was already running.

{He} pushed a long log over the water.
{He} took a rope, tied it to a tree and threw it across.
{He} called everyone together, and they made a long chain.

Step by step {F} came closer.
"Do not look down," called {N}. "Look at me!"
The water was loud, but {N} did not let go.

"Just one more step!" cried {N}, and then {F} was safe.
With one last jump {F} landed in {N}'s arms.
In the end everyone was on dry land.

"That was brave," said the others. "We should all have helped."
{F} was wet and cold, but {he2} was smiling.
They gave {N} a {o} to say thank you.

The next day they all built a new bridge, stronger than the old one.
Since then there is a bridge there, and it is called {N}'s bridge.
In the evening they sat by the fire and ate {e}.""",
}

# Rhymed pairs of lines for the beginning, the middle and the end of a poem.
POEM = ("""The sun comes up, the sky is blue,|Oh {k}, I think of you.
I saw the {k} yesterday,|It had so many things to say.
The {k} was here before the day,|And it will never go away.
When morning comes and birds all sing,|The {k} wakes up like a king.
Oh {k}, oh {k}, far and near,|I am so happy you are here.
Down by the river, calm and wide,|I saw the {k} at my side.""", """The wind is soft, the day is long,|And the {k} knows a quiet song.
It looks at me, I look at it,|And by the fire we will sit.
In spring the flowers start to grow,|In winter there is ice and snow.
The world is large, the road is bright,|We walk together through the light.
The trees stand tall, the grass is green,|The finest place I have ever seen.
It hums a low and happy tune,|And winks at the big yellow moon.
The birds fly out, the birds fly in,|And all good things can now begin.
It has a hat, it has a coat,|It travels in a paper boat.""", """The stars are high, the stars are far,|Good night, dear {k}, wherever you are.
The moon is bright, the night is deep,|And now the {k} falls asleep.
The day is done, the lamp is low,|Sleep well, my {k}, soft and slow.
And when the evening comes at last,|We dream of all the days that passed.
Come here, my {k}, come with me,|We sail together on the sea.
So let us sing and let us play,|The {k} is my friend today.""")
# Lines for a haiku: first, second, third.
HAIKU = ("""Oh quiet {k}
The {k} at dawn
A {k} alone
Morning, the {k}
{k} in the light""", """the wind goes over the hills
small birds are singing softly
the whole world is holding still
a leaf falls on the water
the first light touches the snow
slowly the long day begins""", """and the stars come out
nobody speaks now
a bell far away
I close my two eyes
and then it is gone
evening comes home""")
