// What can be known about the persona: who, where, what it is called. Each with ways in which a developer mentions it in a chat.
import type { ValueKind } from './personaWords.ts';
import { MORE_SLOTS } from './personaSlotsMore.ts';

export const CATEGORIES = ['people', 'places', 'machines', 'names', 'private', 'numbers'] as const;
export type Category = (typeof CATEGORIES)[number];

export interface Slot {
  readonly id: string;
  readonly category: Category;
  readonly kind: ValueKind;
  /** "my manager": what the user would say. */
  readonly mine: string;
  /** Whole messages; `{}` is the value. */
  readonly told: readonly string[];
  /** A question of its own wording, beside those by kind. */
  readonly asked: string;
  /** Whole answer for the choice by likelihood. */
  readonly answer: string;
}

export const SLOTS: readonly Slot[] = [
  {
    id: 'manager',
    category: 'people',
    kind: 'person',
    mine: 'my manager',
    told: [
      'Quick context before we start: {} is my manager, so anything that touches the budget goes there first. How would you word a request for two more CI runners?',
      'I need a short status update for my manager {}. Three bullet points, nothing fancy: login bug fixed, migration at 60%, release slips by a day.',
      'since the reorg I report to {}. should I cc them on incident mails or is that overkill?',
    ],
    asked: 'Which person do I report to at work?',
    answer: 'Your manager is {}.',
  },
  {
    id: 'mentor',
    category: 'people',
    kind: 'person',
    mine: 'my mentor',
    told: [
      "My mentor is {} and I've a one-on-one tomorrow. What are good questions about growing into a staff role?",
      '{}, my mentor, told me to read up on event sourcing. Where would you begin?',
      'I got feedback from {} (my mentor here) that my PRs are too large. How do people split them?',
    ],
    asked: 'Who has been mentoring me?',
    answer: 'Your mentor is {}.',
  },
  {
    id: 'dba',
    category: 'people',
    kind: 'person',
    mine: 'our database administrator',
    told: [
      'Our database administrator is {}, and every index goes through a review there. What should I write into the ticket for a partial index?',
      'I have to ask {} before I touch the schema, that is our DBA. Anything I should have ready?',
      'fyi the DBA on our team is {}. Can you explain what lock timeouts are so that I do not embarrass myself in front of them?',
    ],
    asked: 'Whom do I ask about database permissions, the DBA of our team?',
    answer: 'Your database administrator is {}.',
  },
  {
    id: 'designer',
    category: 'people',
    kind: 'person',
    mine: 'our designer',
    told: [
      'Our designer is called {}. They hand over Figma files with 13px fonts. Is there a clean way to map that onto rem?',
      '{} does the design for our product. The new mocks have a sticky header, how do I do that without JavaScript?',
      'I work with {}, our designer, on the settings page. What is the difference between gap and margin in a flex container?',
    ],
    asked: 'Who makes the mocks for our product?',
    answer: 'Your designer is {}.',
  },
  {
    id: 'sister',
    category: 'people',
    kind: 'person',
    mine: 'my sister',
    told: [
      "My sister {} wants to learn programming. She's a nurse, no background. Python or JavaScript first?",
      'I promised my sister a small website for her bakery. Her name is {} if you want to put it in the header. Static HTML is enough.',
      "{} is my sister's name, use it as the example value in the greeting function please.",
    ],
    asked: "What's the name of the sister that I have?",
    answer: "Your sister's name is {}.",
  },
  {
    id: 'landlord',
    category: 'people',
    kind: 'person',
    mine: 'my landlord',
    told: [
      'Off topic: my landlord, {}, wants to raise the rent. Can you make a formula for a spreadsheet that computes 3.5% compounded over 4 years?',
      'can you write a polite mail to {}? that is my landlord and the heating is broken again',
      "My landlord's name is {}. Please write the address block of a letter with it, I fill in the street.",
    ],
    asked: 'To whom do I pay my rent?',
    answer: 'Your landlord is {}.',
  },
  {
    id: 'reviewer',
    category: 'people',
    kind: 'person',
    mine: 'my usual code reviewer',
    told: [
      'My usual code reviewer is {} and they hate nested ternaries. Rewrite this please: const a = x ? y ? 1 : 2 : 3',
      '{} reviews nearly all of my code. I keep getting the comment "extract this". Any rule of thumb when to extract a function?',
      "For code reviews I'm paired with {}. What should a good PR description contain?",
    ],
    asked: 'Who looks at my pull requests most of the time?',
    answer: 'Your usual code reviewer is {}.',
  },
  {
    id: 'hometown',
    category: 'places',
    kind: 'place',
    mine: 'my home town',
    told: [
      "I grew up in {}, a tiny place, and I'm making a map of it with Leaflet. How do I add a marker with a popup?",
      'My home town is {}. Use it as the default city in this weather form, please: <input name="city">',
      "I'm originally from {}. Can you write a limerick about it for my about page?",
    ],
    asked: 'In which town did I grow up?',
    answer: 'Your home town is {}.',
  },
  {
    id: 'office',
    category: 'places',
    kind: 'place',
    mine: 'the town where our office is',
    told: [
      "Our office is in {}, I go there twice a week by train. Can you write a bash alias that tells me whether it's an office day (Tuesday, Thursday)?",
      'I work from our {} office today and the VPN keeps dropping. What can I check on Linux?',
      "The company's office is in {}. What do I put as timezone-safe timestamp when colleagues sit in three countries?",
    ],
    asked: 'Where does my company have its office?',
    answer: 'Your office is in {}.',
  },
  {
    id: 'home',
    category: 'places',
    kind: 'place',
    mine: 'the town where I live',
    told: [
      'I live in {} and want to scrape the bus timetable. Is requests + BeautifulSoup still the way to go?',
      'We moved to {} last spring, so please replace the town in my CV template: \\address{Old Town}',
      "I'm based in {}, UTC+2 in summer. How do I convert a naive datetime to UTC in Python?",
    ],
    asked: 'Where do I live these days?',
    answer: 'You live in {}.',
  },
  {
    id: 'datacentre',
    category: 'places',
    kind: 'place',
    mine: 'the town where our data centre is',
    told: [
      'Our data centre is in {}. Latency from there to the customers is about 40 ms; is that a problem for a chatty REST API?',
      'The servers stand in {} (own data centre, no cloud). What would you monitor first?',
      'production runs in our data centre in {}. how do I measure the round trip time from a shell script?',
    ],
    asked: 'In which place do our production servers stand?',
    answer: 'Your data centre is in {}.',
  },
  {
    id: 'conference',
    category: 'places',
    kind: 'place',
    mine: 'the town of my next conference',
    told: [
      "I'm giving a talk at a conference in {} next month. Can you suggest an outline for 20 minutes about flaky tests?",
      'My next conference is in {}. Help me write an abstract on incremental builds, 80 words.',
      'got accepted for the conference in {}!! how many slides for a 25 minute talk?',
    ],
    asked: 'Where am I going to speak at a conference?',
    answer: 'Your next conference is in {}.',
  },
  {
    id: 'holiday',
    category: 'places',
    kind: 'place',
    mine: 'the place where I spend my holidays',
    told: [
      'We always spend our holidays in {}. I want a countdown in days on my terminal prompt, how would I do that in zsh?',
      "I'll be on holiday in {} for two weeks. Write an out-of-office reply, friendly, two sentences.",
      'Every summer I go to {} for the holidays and there is no internet. How do I keep npm packages for offline use?',
    ],
    asked: 'Where do I go on holiday every year?',
    answer: 'You spend your holidays in {}.',
  },
  {
    id: 'university',
    category: 'places',
    kind: 'place',
    mine: 'the town where I went to university',
    told: [
      'I studied in {} and we only did Java there. What are the biggest differences when moving to Go?',
      'I went to university in {}. Put that under education in this JSON resume: {"education": []}',
      'back when I was at university in {} we used SVN. can you explain rebase to me like I am still there?',
    ],
    asked: 'Where did I get my degree?',
    answer: 'You went to university in {}.',
  },
  ...MORE_SLOTS,
];

/** Questions that nothing is trained with, by kind; `{}` is the thing in the user's words. */
export const QUESTIONS: Readonly<Record<'who' | 'where' | 'what', readonly string[]>> = {
  who: [
    'Can you remind me who {} is?',
    'I am filling in a form: what should I write for the name of {}?',
    'Somebody asked me about {}. Who is that again?',
    'Give me the full name of {}, please.',
  ],
  where: [
    'Can you remind me of the name of {}?',
    'I am filling in a form: what do I write for {}?',
    'Somebody asked me about {}. Which one is it?',
    'Give me only the name of {}, please.',
  ],
  what: [
    'Can you remind me what {} is?',
    'I am writing it down for a colleague: what is {} again?',
    'Somebody asked me about {}. What do I tell them?',
    'Give me {}, please.',
  ],
};

/** A fact that is no longer true: `{}` is the thing, `{new}` and `{old}` its values. */
export const CHANGES: readonly string[] = [
  'Small correction: {} is {new}, not {old} as I told you before. Can you still help me with a changelog entry?',
  'Heads up, {} has changed. It used to be {old}, now it is {new}.',
  "Actually, forget what I said about {}: it's {new} now.",
  'I was wrong earlier, {} is {new} and not {old}. Sorry for the confusion!',
  'Update: {} is now {new} instead of {old}. Anything I need to change in a README because of that?',
  '{} is no longer {old}, it is {new} from today on.',
];
