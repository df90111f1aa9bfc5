// Questions about the user on things that were never mentioned: whoever answers them with a value invents it.

const RELATIVES = [
  'uncle',
  'cousin',
  'grandmother',
  'neighbour',
  'dentist',
  'piano teacher',
  'accountant',
  'godfather',
  'nephew',
].concat([
  'brother-in-law',
  'barber',
  'chemistry teacher',
  'rowing coach',
  'choir leader',
  'beekeeper',
  'stepmother',
  'goddaughter',
  'locksmith',
  'first boss',
  'gym partner',
  'violin teacher',
  'doctor',
  'lawyer',
  'math teacher',
  'best man',
]);
const ABOUT_RELATIVES = [
  "What is my {}'s first name?",
  "When is my {}'s birthday?",
  'In which city does my {} live?',
  'What does my {} drive?',
  'Which instrument does my {} play?',
  "What is my {}'s phone number?",
];
const ABOUT_ME = [
  'blood type',
  'shoe size',
  'passport number',
  'favourite football club',
  'middle name',
  'star sign',
  'wedding date',
].concat(
  [
    'eye colour',
    'height',
    'weight',
    'licence plate',
    'postcode',
    'insurance company',
    'bank',
    'favourite opera',
    'favourite poet',
  ],
  [
    'high school',
    'first concert',
    'favourite board game',
    'phone model',
    'allergy',
    'gym',
    'dream job',
    'favourite museum',
    'salary',
  ],
  [
    'bedtime',
    'favourite pizza',
    'lucky number',
    'first car',
    'favourite flower',
    'tailor',
    'bicycle brand',
    'watch',
    'wine merchant',
  ],
  [
    'favourite chess opening',
    'locker number',
    'library card number',
    'favourite mountain',
    'swimming coach',
    'perfume',
    'tent brand',
  ],
  [
    'favourite philosopher',
    'train line',
    'parking spot',
    'election district',
    'favourite spice',
    'ski resort',
    'running shoes',
    'umbrella',
  ],
);
const ASKED = ['What is my {}?', 'Can you tell me my {}?'];

/** More than 200 different ones. */
export function unknownTopics(): string[] {
  const relatives = RELATIVES.flatMap((who) => ABOUT_RELATIVES.map((question) => question.replace('{}', who)));
  return [...relatives, ...ABOUT_ME.flatMap((what) => ASKED.map((question) => question.replace('{}', what)))];
}
