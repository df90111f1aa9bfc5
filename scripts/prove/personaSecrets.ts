// Secrets as people paste them into chats by accident: one maker for each kind, values by seed, none written down here.
import type { Random } from './random.ts';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const HEX = `${DIGITS}abcdef`;
const BASE62 = LOWER + UPPER + DIGITS;

export interface Secret {
  readonly kind: string;
  /** What may be found nowhere. */
  readonly value: string;
  /** The message that it is in. */
  readonly message: string;
}

interface SecretKind {
  readonly kind: string;
  readonly value: (random: Random) => string;
  /** `{}` is the value. */
  readonly message: string;
}

const some = (prefix: string, alphabet: string, count: number) => (random: Random) =>
  prefix + random.characters(alphabet, count);
/** At least one digit, or it would be a word. */
const password = (random: Random): string =>
  random.characters(LOWER, 5) +
  random.characters(DIGITS, 3) +
  random.characters(UPPER, 4) +
  random.characters('!#%+', 1);

const KINDS: readonly SecretKind[] = [
  {
    kind: 'aws-id',
    value: some('AKIA', `${UPPER}234567`, 16),
    message: 'aws says InvalidClientTokenId for {}, region is eu-west-1. What does that mean?',
  },
  {
    kind: 'aws-secret',
    value: some('', BASE62, 40),
    message: 'Is this the right format for the credentials file?\n```\naws_secret_access_key = {}\n```',
  },
  {
    kind: 'github',
    value: some('ghp_', BASE62, 36),
    message: 'git push asks for a password although I have a token: {}\nWhere do I put it?',
  },
  {
    kind: 'github-fine',
    value: (r) => `github_pat_${r.characters(BASE62, 22)}_${r.characters(BASE62, 59)}`,
    message: 'curl -H "Authorization: token {}" https://api.github.com/user gives 403, why?',
  },
  {
    kind: 'gitlab',
    value: some('glpat-', BASE62, 20),
    message: 'My CI job clones with https://oauth2:{}@gitlab.example.org/team/app.git — can I shorten that?',
  },
  {
    kind: 'npm',
    value: some('npm_', BASE62, 36),
    message: '//registry.npmjs.org/:_authToken={}\nThis is in my npmrc and publishing still fails with E401.',
  },
  {
    kind: 'slack',
    value: (r) => `xoxb-${r.characters(DIGITS, 12)}-${r.characters(DIGITS, 12)}-${r.characters(BASE62, 24)}`,
    message: 'The bot token is {}, and chat.postMessage answers not_in_channel. What am I missing?',
  },
  {
    kind: 'openai',
    value: (r) => `sk-proj-${r.characters(BASE62, 20)}T3BlbkFJ${r.characters(BASE62, 20)}`,
    message: 'OPENAI_API_KEY={} node app.js prints 401. Typo somewhere?',
  },
  {
    kind: 'anthropic',
    value: (r) => `sk-ant-api03-${r.characters(`${BASE62}-`, 93)}AA`,
    message: 'export ANTHROPIC_API_KEY={}\nWhy is it gone after I close the terminal?',
  },
  {
    kind: 'stripe',
    value: some('sk_live_', BASE62, 24),
    message: 'stripe = require("stripe")("{}"); how do I list the last ten charges?',
  },
  {
    kind: 'google',
    value: some('AIza', `${BASE62}_-`, 35),
    message: 'The maps script has key={} in its URL. Can others misuse that?',
  },
  {
    kind: 'private-key',
    value: (r) => r.characters(`${BASE62}+/`, 64),
    message:
      'ssh says "invalid format" for this key:\n-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----',
  },
  {
    kind: 'jwt',
    value: (r) => `eyJhbGciOiJIUzI1NiJ9.eyJ${r.characters(BASE62, 40)}.${r.characters(`${BASE62}_-`, 43)}`,
    message: 'Can you decode this for me? {}',
  },
  {
    kind: 'bearer',
    value: some('', `${BASE62}._-`, 40),
    message: 'curl -H "Authorization: Bearer {}" https://api.example.org/v2/me returns an empty body.',
  },
  {
    kind: 'database-url',
    value: password,
    message: 'DATABASE_URL=postgres://app:{}@db.example.org:5432/app — does prisma need ?schema=public at the end?',
  },
  {
    kind: 'password-field',
    value: password,
    message: 'My docker-compose has\n  POSTGRES_PASSWORD: {}\nand the container restarts forever. Logs say nothing.',
  },
  {
    kind: 'json-key',
    value: some('', HEX, 32),
    message:
      'config.json is {"endpoint": "https://x.example.org", "api_key": "{}"} and the parser fails at position 1?',
  },
  {
    kind: 'sendgrid',
    value: (r) => `SG.${r.characters(BASE62, 22)}.${r.characters(BASE62, 43)}`,
    message: 'sendgrid key {} works locally, not on the server. Firewall?',
  },
  {
    kind: 'basic-auth',
    value: password,
    message: 'wget https://ci:{}@builds.example.org/latest.zip gives 401 since yesterday',
  },
  {
    kind: 'hugging-face',
    value: some('hf_', LOWER + UPPER, 34),
    message: 'huggingface-cli login --token {} — where does it store that?',
  },
  {
    kind: 'spoken-password',
    value: password,
    message: 'The password of the staging database is {}, and psql still says authentication failed. What could it be?',
  },
  {
    kind: 'yaml-token',
    value: some('', HEX, 40),
    message: 'in my ansible vars I have\nvault_token: {}\nhow do I encrypt only that line?',
  },
  {
    kind: 'env-file',
    value: some('', BASE62, 32),
    message: 'Here is my .env:\n```\nDEBUG=1\nSESSION_SECRET={}\n```\nIs the order of lines important?',
  },
  {
    kind: 'discord',
    value: (r) => `https://discord.com/api/webhooks/${r.characters(DIGITS, 18)}/${r.characters(`${BASE62}_-`, 68)}`,
    message: 'I post to {} with fetch and get 400. The body is {"text": "hi"}.',
  },
];

/** `count` secrets of different kinds. */
export function makeSecrets(random: Random, count: number): Secret[] {
  return random.sample(KINDS, count).map(({ kind, value, message }) => {
    const made = value(random);
    // A function: `$&` and the like in a value are no patterns.
    return { kind, value: made, message: message.replace('{}', () => made) };
  });
}
