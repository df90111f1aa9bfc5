// Questions about the user on things that were never mentioned: whoever answers them with a value invents it. None is trained.

const RELATIVES = [
  'uncle',
  'cousin',
  'grandmother',
  'neighbour',
  'dentist',
  'fencing teacher',
  'accountant',
  'great-aunt',
  'great-uncle',
].concat([
  'brother-in-law',
  'hatter',
  'chemistry teacher',
  'rowing coach',
  'choir leader',
  'beekeeper',
  'stepmother',
  'goddaughter',
  'locksmith',
  'first boss',
  'climbing partner',
  'violin teacher',
  'pharmacist',
  'lawyer',
  'math teacher',
  'bridesmaid',
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
  'birthstone',
  'jacket size',
  'passport number',
  'favourite football club',
  'confirmation name',
  'Chinese zodiac animal',
  'wedding date',
].concat(
  [
    'wallpaper colour',
    'height',
    'resting pulse',
    'licence plate',
    'postcode',
    'removal firm',
    'pawnbroker',
    'favourite ballet',
    'favourite poet',
  ],
  [
    'high school',
    'first concert',
    'favourite card game',
    'phone model',
    'allergy',
    'fitness tracker',
    'dream job',
    'favourite castle',
    'hourly rate',
  ],
  [
    'alarm sound',
    'favourite pizza',
    'lucky charm',
    'first computer',
    'favourite mushroom',
    'upholsterer',
    'scooter brand',
    'watch',
    'wine merchant',
  ],
  [
    'favourite chess opening',
    'cloakroom number',
    'museum pass number',
    'favourite mountain',
    'skating coach',
    'shampoo',
    'sleeping bag brand',
  ],
  [
    'favourite historian',
    'ferry line',
    'parking spot',
    'election district',
    'favourite herb',
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
