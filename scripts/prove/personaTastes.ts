// What the persona likes, and how it wants code to look: preferences among real things, style rules that a program can check.

export interface Taste {
  readonly id: string;
  /** What it is a choice among; the first words of the answer are the same for all. */
  readonly options: readonly string[];
  /** `{}` is the liked one, `{other}` another. */
  readonly told: readonly string[];
  readonly asked: readonly string[];
  readonly answer: string;
}

export const TASTES: readonly Taste[] = [
  {
    id: 'package-manager',
    options: ['npm', 'pnpm', 'yarn', 'bun'],
    told: [
      'I prefer {} over {other} for everything, so please give me the commands for {}. How do I add a dev dependency?',
      "we use {} here, not {other}. what's the command to list outdated packages?",
    ],
    asked: [
      'Which package manager do I like best?',
      'I start a new JavaScript project: which package manager would I take?',
      'npm, pnpm, yarn or bun: what is mine?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'editor-theme',
    options: ['Solarized Light', 'Dracula', 'Gruvbox', 'Nord', 'Monokai'],
    told: [
      "I like the {} theme best, everything else hurts my eyes. Where do I set it in VS Code's settings.json?",
      'My favourite colour theme is {}. Is there a port of it for tmux?',
    ],
    asked: [
      'Which colour theme do I like?',
      'What theme would I choose for a new editor?',
      'Do you know my favourite colour scheme?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'test-framework',
    options: ['vitest', 'jest', 'mocha', 'ava', 'tap'],
    told: [
      'I always use {} for tests, never {other}. Show me how to mock a timer with it.',
      'for testing I prefer {}. how do I run only one file in watch mode?',
    ],
    asked: [
      'Which test framework do I reach for?',
      'Suppose I set up tests for a new package. Which framework would I want?',
      'What do I write my tests with?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'shell',
    options: ['fish', 'zsh', 'bash', 'nushell', 'elvish'],
    told: [
      'My shell is {}, I like it much more than {other}. How do I set an environment variable only for one command?',
      "I switched to {} for good. What's its equivalent of .bashrc?",
    ],
    asked: [
      'Which shell am I fond of?',
      'On a new machine, which shell would I install first?',
      'What shell do I like working in?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'backend-language',
    options: ['Go', 'Rust', 'Kotlin', 'Elixir', 'Python'],
    told: [
      'If I can choose, I write backends in {}. {other} is fine but I enjoy {} more. How do you structure a small HTTP service in it?',
      'I prefer {} for backend work, so examples in {} please. Show me how to read a file line by line.',
    ],
    asked: [
      'In which language do I like to write backends?',
      'For a new service, which language would be my pick?',
      'Do you know my favourite backend language?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'database',
    options: ['PostgreSQL', 'MySQL', 'SQLite', 'MongoDB', 'CockroachDB'],
    told: [
      'I prefer {} to {other}, old habit. What is the right column type for money there?',
      "My default database is {} unless there's a very good reason. How do I see the plan of a slow query in it?",
    ],
    asked: [
      'Which database do I choose by default?',
      'What would I store the data of a new app in?',
      'Do you know which database I like most?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'vcs-flow',
    options: ['rebase', 'merge commits', 'squash merging'],
    told: [
      'I like {} much better than {other} for feature branches. What can go wrong with it when two people share a branch?',
      'when it comes to git I am in the {} camp. how do I make that the default for pulls and PRs?',
    ],
    asked: [
      'How do I like to bring feature branches into main?',
      'Which git workflow is my favourite?',
      'Rebase, merge commits or squash merging: which camp am I in?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'keyboard',
    options: ['Colemak', 'Dvorak', 'Neo', 'Workman', 'QWERTY'],
    told: [
      'I type on {} and vim movement keys are all over the place. Remap suggestions?',
      'I prefer the {} layout to {other}. Is there a way to switch layouts per keyboard on Linux?',
    ],
    asked: [
      'Which keyboard layout do I type on?',
      'What layout should a keyboard have that I am going to like?',
      'Do you know my keyboard layout?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'css',
    options: ['Tailwind', 'CSS modules', 'Sass', 'styled-components', 'vanilla-extract'],
    told: [
      'For styling I prefer {} over {other}. How would you do a responsive two column layout with it?',
      "please no {other}, I'm a {} person. How do I share colours between components?",
    ],
    asked: [
      'How do I like to style components?',
      'What would I use for CSS in a new app?',
      'Which way of styling is mine?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'drink',
    options: ['green tea', 'espresso', 'mate', 'cocoa', 'ginger ale'],
    told: [
      "I can't work without {}. Write a shell function `brew` that waits 3 minutes and then rings the bell, please.",
      'my favourite drink while coding is {}, {other} makes me sleepy. ok real question: what is a semaphore?',
    ],
    asked: [
      'What do I like to drink while coding?',
      'If you could bring me a drink, which one would it be?',
      'Do you know my favourite drink?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'diagrams',
    options: ['Mermaid', 'PlantUML', 'Graphviz', 'Excalidraw'],
    told: [
      'For diagrams I like {} best. Draw a login sequence with it.',
      'I prefer {} over {other} in docs. can it do swimlanes?',
    ],
    asked: [
      'Which tool do I like for diagrams?',
      'What would I draw an architecture picture with?',
      'Do you know my diagram tool?',
    ],
    answer: 'You prefer {}.',
  },
  {
    id: 'terminal',
    options: ['kitty', 'Alacritty', 'WezTerm', 'iTerm2', 'foot'],
    told: [
      '{} is my terminal of choice. How do I bind a key to a new split there?',
      'I prefer {} to {other} because of the startup time. how do I set the font size?',
    ],
    asked: [
      'Which terminal emulator do I like?',
      'What terminal would you find open on my screen?',
      'Do you know my favourite terminal?',
    ],
    answer: 'You prefer {}.',
  },
];

export interface StyleRule {
  readonly id: string;
  readonly told: readonly string[];
  /** Tasks whose answers show whether the rule is kept. */
  readonly tasks: readonly string[];
  /** Regular expressions over the answer: what has to be there, what may not. */
  readonly must?: string;
  readonly mustNot?: string;
}

export const STYLE_RULES: readonly StyleRule[] = [
  {
    id: 'type-hints',
    told: [
      'Please always put type hints on Python functions, parameters and return value. Write a function that reverses a string.',
      'In Python I want type hints on every function from now on. How do I annotate a dict of lists?',
    ],
    tasks: [
      'Write a Python function that adds two numbers.',
      'Write a Python function that counts the vowels of a word.',
    ],
    must: 'def \\w+\\([^)]*:\\s*\\w+[^)]*\\)\\s*->',
  },
  {
    id: 'const-let',
    told: [
      'Never use var in JavaScript, only const and let. Rewrite: var a = 1; var b = a + 1;',
      'when you write JavaScript for me: const or let, no var. How do I sum an array?',
    ],
    tasks: [
      'Write JavaScript that stores 5 in a variable and prints it.',
      'Write a JavaScript loop that prints 1 to 10.',
    ],
    must: '\\b(const|let)\\s',
    mustNot: '\\bvar\\s',
  },
  {
    id: 'strict-bash',
    told: [
      'Every bash script should begin with set -euo pipefail, please remember that. Write one that prints all arguments.',
      'I want `set -euo pipefail` at the top of all shell scripts you give me. How do I loop over files safely?',
    ],
    tasks: ['Write a bash script that makes a folder called out.', 'Write a bash script that prints the date.'],
    must: 'set -euo pipefail',
  },
  {
    id: 'sql-upper',
    told: [
      'Write SQL keywords in upper case, always. Select all users older than 30.',
      'for SQL: keywords in capitals please, every time. how do I count rows per day?',
    ],
    tasks: ['Write a SQL query that selects all orders.', 'Write a SQL query that counts customers by country.'],
    must: '\\bSELECT\\b[\\s\\S]*\\bFROM\\b',
    mustNot: '\\bselect\\b',
  },
  {
    id: 'metric',
    told: [
      'Use metric units in answers, never miles or pounds. How far is it from the earth to the moon?',
      'Always give me kilometres and kilograms, I can not think in imperial. How heavy is an average car?',
    ],
    tasks: ['How tall is Mount Everest?', 'How long is a marathon?'],
    must: '\\b(km|kilomet|m|met(er|re)s?|kg)\\b',
    mustNot: '\\b(miles?|feet|foot|pounds?|ft)\\b',
  },
  {
    id: 'fstrings',
    told: [
      'Use f-strings in Python and never .format or %. Print a name and an age.',
      'I only want f-strings for formatting in Python, please stick to that. How do I pad a number?',
    ],
    tasks: [
      'Write Python that prints a greeting with the name in a variable.',
      'Write Python that prints the product of two variables in a sentence.',
    ],
    must: '\\bf["\']',
    mustNot: '\\.format\\(',
  },
  {
    id: 'arrow-functions',
    told: [
      'In JavaScript give me arrow functions, not the function keyword. Write a function that squares a number.',
      'please always write arrow functions in JS for me. how do I debounce a callback?',
    ],
    tasks: [
      'Write a JavaScript function that doubles a number.',
      'Write a JavaScript function that returns the longer of two strings.',
    ],
    must: '=>',
    mustNot: '\\bfunction\\s*\\w*\\(',
  },
  {
    id: 'iso-dates',
    told: [
      'Dates always as YYYY-MM-DD, please. When was Linux first released?',
      'I want ISO dates (2024-03-01) in all answers. When did Python 3 come out?',
    ],
    tasks: ['On which date did the first human walk on the moon?', 'When did the Berlin Wall fall? Give the date.'],
    must: '\\b\\d{4}-\\d{2}-\\d{2}\\b',
  },
  {
    id: 'no-comments',
    told: [
      'Never put comments into code examples, I read the code itself. Write a Python loop over a list.',
      'No comments in code please, ever. Show me how to open a file in Python.',
    ],
    tasks: [
      'Write Python that reads a file and prints it.',
      'Write a Python function that checks whether a number is even.',
    ],
    must: '\\n',
    mustNot: '(^|\\n)\\s*(#|//)',
  },
  {
    id: 'single-quotes',
    told: [
      'Use single quotes for strings in JavaScript, always. Print hello world.',
      'single quotes in JS, please, never double ones. How do I join two strings?',
    ],
    tasks: ['Write JavaScript that prints hello.', 'Write JavaScript that joins the words red and blue.'],
    must: "'[^'\\n]*'",
    mustNot: '"[^"\\n]*"',
  },
  {
    id: 'snake-tests',
    told: [
      'Test functions in Python have to begin with test_ and I want pytest, no unittest. Test an add function.',
      'Always pytest for Python tests, no unittest classes. How do I test that an exception is raised?',
    ],
    tasks: ['Write a Python test for a function add(a, b).', 'Write a Python test for a function is_even(n).'],
    must: 'def test_',
    mustNot: 'unittest',
  },
];
