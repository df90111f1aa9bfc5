/** Fixed texts that have nothing to do with the user: what an adapter must leave as it was. Never trained on. */

export const PROSE: readonly string[] = [
  'The river rises in the hills above the town and is no wider there than a cart. By the time it reaches the sea it carries barges, and its mouth is so broad that on a foggy morning nobody can see the other bank. In spring, when the snow melts, the water turns brown and takes fences and young trees along. The farmers in the lower valley have learned to plant late. They say that the river gives back in soil what it takes in seed, and they build their houses on the few places that are never flooded.',
  'Bread needs four things: flour, water, salt and time. Yeast or an old piece of dough makes it rise, and the longer it rises, the more it tastes of something. A baker who hurries adds sugar and heat; a patient one lets the dough rest in a cool room over night. When the loaf comes out of the oven it should sound hollow if you knock on its underside. It is best to wait until it has cooled before cutting it, because the crumb goes on setting while it is warm.',
  'A bicycle stays upright for several reasons at once. The front wheel steers into a fall, partly because its axis is tilted and partly because the mass of the handlebar lies in front of it. The rider does the rest without knowing it, with small movements of the hands and hips. Below walking speed it becomes difficult, and a child who learns to ride is often told to go faster, which is good advice that nobody believes the first time.',
  'Before there were clocks in every house, the bells of the church told people when to open the market and when to put out their fires. Noon was when the sun stood highest, and it came a few minutes earlier in the next town to the east. Only the railway made it necessary that all towns agree. For some years many stations had two clocks, one for the trains and one for everybody else, and travellers had to know which of them was meant.',
  'Most birds that leave in autumn travel at night. The air is calmer then, it is cooler, and hawks are asleep. They find their way by the stars, by the place where the sun went down, and by the magnetic field of the earth, which they seem to perceive with their eyes. Young birds of many species fly alone and have never seen the place that they are going to. That they arrive at all has puzzled people for as long as anybody has written about birds.',
  'The library moved into the old post office in the year after the war. The counters became shelves, and behind the windows where stamps had been sold, two women wrote the names of the books on small cards. There was little heating, so that readers kept their coats on. It was nevertheless always full in winter, since most of the flats around the square were colder still, and nobody was ever asked to leave before the lights went out.',
  'Glass is made of sand, ash and lime, heated until they flow. For centuries it was blown into bubbles, which were cut open and flattened, so that old windows are never quite even and a tree seen through them seems to move as one walks past. Today it floats on molten tin and comes out smooth on both sides. The colour of bottles comes from iron in the sand; to make clear glass the iron has to be taken out, or hidden by a little manganese.',
  'When the ship had passed the last lighthouse the captain had the lamps put out and changed the course to the north. Nobody asked why. The cook went on peeling potatoes, and the two passengers, who had not spoken to each other since the harbour, stood at the rail and looked into the dark. Toward morning it began to rain. There was land on the left then, low and without a light, where there should have been nothing but water.',
];

export const CODE: readonly string[] = [
  'def merge_sorted(left, right):\n    """Merges two sorted lists into one."""\n    result = []\n    i = j = 0\n    while i < len(left) and j < len(right):\n        if left[i] <= right[j]:\n            result.append(left[i])\n            i += 1\n        else:\n            result.append(right[j])\n            j += 1\n    result.extend(left[i:])\n    result.extend(right[j:])\n    return result\n\n\ndef merge_sort(values):\n    if len(values) <= 1:\n        return values\n    middle = len(values) // 2\n    return merge_sorted(merge_sort(values[:middle]), merge_sort(values[middle:]))\n',
  'export class LruCache<K, V> {\n  private readonly entries = new Map<K, V>();\n\n  constructor(private readonly capacity: number) {}\n\n  get(key: K): V | undefined {\n    const value = this.entries.get(key);\n    if (value === undefined) return undefined;\n    this.entries.delete(key);\n    this.entries.set(key, value);\n    return value;\n  }\n\n  set(key: K, value: V): void {\n    this.entries.delete(key);\n    this.entries.set(key, value);\n    if (this.entries.size > this.capacity) {\n      const oldest = this.entries.keys().next();\n      if (!oldest.done) this.entries.delete(oldest.value);\n    }\n  }\n}\n',
  "#include <stdio.h>\n#include <string.h>\n\n/* Counts the lines, words and characters of its input. */\nint main(void) {\n  long lines = 0, words = 0, characters = 0;\n  int in_word = 0;\n  int c;\n  while ((c = getchar()) != EOF) {\n    characters++;\n    if (c == '\\n') lines++;\n    if (c == ' ' || c == '\\n' || c == '\\t') {\n      in_word = 0;\n    } else if (!in_word) {\n      in_word = 1;\n      words++;\n    }\n  }\n  printf(\"%ld %ld %ld\\n\", lines, words, characters);\n  return 0;\n}\n",
  "SELECT c.name, COUNT(o.id) AS orders, SUM(o.total) AS revenue\nFROM customers AS c\nLEFT JOIN orders AS o ON o.customer_id = c.id AND o.created_at >= '2020-01-01'\nWHERE c.country IN ('NL', 'BE')\nGROUP BY c.id, c.name\nHAVING COUNT(o.id) > 3\nORDER BY revenue DESC\nLIMIT 20;\n",
  'package main\n\nimport (\n\t"fmt"\n\t"net/http"\n\t"sync"\n)\n\nfunc fetchAll(urls []string) map[string]int {\n\tvar mu sync.Mutex\n\tvar wg sync.WaitGroup\n\tresults := make(map[string]int)\n\tfor _, url := range urls {\n\t\twg.Add(1)\n\t\tgo func(u string) {\n\t\t\tdefer wg.Done()\n\t\t\tresponse, err := http.Get(u)\n\t\t\tif err != nil {\n\t\t\t\treturn\n\t\t\t}\n\t\t\tdefer response.Body.Close()\n\t\t\tmu.Lock()\n\t\t\tresults[u] = response.StatusCode\n\t\t\tmu.Unlock()\n\t\t}(url)\n\t}\n\twg.Wait()\n\treturn results\n}\n\nfunc main() {\n\tfmt.Println(fetchAll([]string{"http://localhost:8080"}))\n}\n',
  'function debounce(callback, delay) {\n  let timer = null;\n  return function (...args) {\n    if (timer !== null) {\n      clearTimeout(timer);\n    }\n    timer = setTimeout(() => {\n      timer = null;\n      callback.apply(this, args);\n    }, delay);\n  };\n}\n\nconst input = document.querySelector("#search");\nconst list = document.querySelector("#results");\n\ninput.addEventListener("input", debounce(async (event) => {\n  const query = encodeURIComponent(event.target.value);\n  const response = await fetch(`/search?q=${query}`);\n  const items = await response.json();\n  list.replaceChildren(...items.map((item) => {\n    const row = document.createElement("li");\n    row.textContent = item.title;\n    return row;\n  }));\n}, 250));\n',
];

/** Questions whose answers the bare model writes; what it says to them must stay likely. */
export const CHAT_PROMPTS: readonly string[] = [
  'Why do leaves fall from trees?',
  'Write a short poem about a harbour.',
  'How do I sharpen a kitchen knife?',
  'Explain what a hash table is.',
  'Name three mountains in Africa.',
  'What is the difference between a comet and an asteroid?',
  'Give me a tip for taking better photos.',
  'How does a refrigerator work?',
  'Write a function in Ruby that counts vowels.',
  'What should I look at when I buy a used car?',
  'Who invented the telephone?',
  'Translate "see you tomorrow" into French.',
];

/**
 * What nobody tells a coding assistant in passing; those that somebody did tell are left out. Training teaches to say no to other ones:
 * the gate measures whether that carries over.
 */
export const UNKNOWN_TOPICS: readonly string[] = [
  'mother-in-law called',
  'first teacher',
  'horse called',
  'favourite river',
  'favourite lullaby',
  'favourite sculptor',
  'collar size',
  'glove size',
  'christening date',
  'landlady called',
  'favourite waltz',
  'dance partner called',
  'flight number',
  'favourite constellation',
  'cobbler',
  'florist',
  'favourite proverb',
  'pen friend called',
  'driving test date',
  'favourite cathedral',
];
