// How people put right what they told before, in wordings of this file's own: the new card replaces the old one, by its subject.
import { describe, expect, test } from 'vitest';
import type { Card } from '#protocol/memory.ts';
import { extractCards } from './extractCards.ts';

const DAY = 86_400_000;

/** Each prompt is a conversation of its own, one day after the one before. */
function tell(...prompts: readonly string[]): { readonly all: Card[]; readonly valid: Card[] } {
  const all: Card[] = [];
  const gone = new Set<string>();
  prompts.forEach((prompt, i) => {
    const turn = { eventId: i + 1, timestamp: (i + 1) * DAY, prompt, conversation: `c${String(i)}` };
    const known = all.filter(({ id }) => !gone.has(id));
    for (const card of extractCards([turn], known)) {
      if (card.supersedes !== undefined) gone.add(card.supersedes);
      all.push(card);
    }
  });
  return { all, valid: all.filter(({ id }) => !gone.has(id)) };
}

type Case = readonly [said: string, then: string, now: string];

describe('a correction in a later conversation replaces the card', () => {
  test.each<Case>([
    // A word that announces it, and the whole sentence again.
    ['My manager is Priya Raman.', 'Correction: my manager is Tom Becker.', 'Your manager is Tom Becker.'],
    ['Our port is 8080.', 'Scratch that, our port is 9090.', 'Your port is 9090.'],
    ['My dentist is Dr. Abara.', 'Oops, typo on my side: my dentist is Dr. Okoye.', 'Your dentist is Dr. Okoye.'],
    ['Our wiki is Outline.', 'I mixed that up. Our wiki is BookStack.', 'Your wiki is BookStack.'],
    // Both values in one sentence.
    ['Our port is 8080.', 'Our port is not 8080 but 9090.', 'Your port is 9090.'],
    ["My cat's name is Momo.", "My cat's name isn't Momo but Mimi.", 'Your cat is Mimi.'],
    ['Our mascot is Gizmo.', "By the way, our mascot isn't Gizmo, it's Widget.", 'Your mascot is Widget.'],
    [
      'Our tech lead is Dana Fischer.',
      'Our tech lead is Omar Haddad, not Dana Fischer.',
      'Your tech lead is Omar Haddad.',
    ],
    [
      'Our tech lead is Dana Fischer.',
      'Not Dana Fischer but Omar Haddad is our tech lead.',
      'Your tech lead is Omar Haddad.',
    ],
    [
      'Our sprint demo is on Tuesday.',
      'our sprint demo is on Thursday instead of Tuesday',
      'Your sprint demo is on Thursday.',
    ],
    [
      'The staging API listens on port 8443.',
      'the staging API now listens on port 9443',
      "The staging API's port is 9443.",
    ],
    // Moved, renamed, changed.
    ['Our standup is at 9:30.', 'We moved our standup from 9:30 to 10:15.', 'Your standup is at 10:15.'],
    ['Our standup is at 9:30.', 'our standup has been moved to 10:15', 'Your standup is at 10:15.'],
    ['Our project is called Falcon.', 'We renamed Falcon to Osprey.', 'Your project is called Osprey.'],
    ['Our project is called Falcon.', 'We renamed our project to Osprey last week.', 'Your project is called Osprey.'],
    ['Our project is called Falcon.', 'Falcon is now called Osprey.', 'Your project is called Osprey.'],
    [
      'Our project is called Falcon.',
      'Falcon has been renamed to Osprey, in case you wonder.',
      'Your project is called Osprey.',
    ],
    ['Our build server is badger-12.', 'badger-12 was replaced by lynx-40.', 'Your build server is lynx-40.'],
    [
      'Our build server is badger-12.',
      'lynx-40 replaces badger-12 as our build server.',
      'Your build server is lynx-40.',
    ],
    ['Our office is in Ghent.', 'The office moved from Ghent to Leuven.', 'Your office is in Leuven.'],
    ['I live in Porto.', 'I moved from Porto to Braga in May.', 'You live in Braga.'],
    ['I live in Porto.', "I've moved to Braga.", 'You live in Braga.'],
    ['I work at Contoso.', 'I changed jobs: I work at Fabrikam now.', 'Your employer is Fabrikam.'],
    ['We use Jenkins for CI.', 'We ditched Jenkins in favour of Buildkite.', 'You use Buildkite for CI.'],
    ['We use Jenkins for CI.', 'We went from Jenkins to Buildkite this quarter.', 'You use Buildkite for CI.'],
    // Over, and what came after.
    ['My manager is Priya Raman.', 'Priya Raman left, my new manager is Tom Becker.', 'Your manager is Tom Becker.'],
    [
      'My manager is Priya Raman.',
      'Tom Becker took over from Priya Raman as my manager.',
      'Your manager is Tom Becker.',
    ],
    ['My manager is Priya Raman.', 'I now report to Tom Becker instead of Priya Raman.', 'Your manager is Tom Becker.'],
    [
      'My manager is Priya Raman.',
      'I no longer report to Priya Raman but to Tom Becker.',
      'Your manager is Tom Becker.',
    ],
    ['Our port is 8080.', 'The port is no longer 8080, we changed it to 9090.', 'Your port is 9090.'],
    ['We use Jenkins for CI.', "We don't use Jenkins for CI any more, we use Buildkite.", 'You use Buildkite for CI.'],
    ['We use Jenkins for CI.', 'We stopped using Jenkins; Buildkite does that now.', 'You use Buildkite for CI.'],
    ['We use Jenkins for CI.', 'We now use Buildkite instead of Jenkins.', 'You use Buildkite for CI.'],
    ['I live in Porto.', 'I used to live in Porto, but now I live in Braga.', 'You live in Braga.'],
    ['Our wiki is Outline.', 'Our wiki used to be Outline, but it is BookStack now.', 'Your wiki is BookStack.'],
    ['My phone is a Pixel 6.', 'My phone was a Pixel 6, now it is a Fairphone 5.', 'Your phone is a Fairphone 5.'],
    // From when on.
    ['Our standup is at 9:30.', 'From now on our standup is at 10:15.', 'Your standup is at 10:15.'],
    ['Our standup is at 9:30.', 'Starting Monday, our standup is at 10:15.', 'Your standup is at 10:15.'],
    ['Our standup is at 9:30.', 'As of next week our standup will be at 10:15.', 'Your standup is at 10:15.'],
    ['My desk is 4.120.', 'Effective immediately my desk is 2.305.', 'Your desk is 2.305.'],
    // About a thing.
    [
      'My favourite café is Kaffeeweg.',
      'Forget what I told you about my favourite café, it is Bohnenort.',
      'Your favourite café is Bohnenort.',
    ],
    [
      'Our GPU machine is ibex-20.',
      'Ignore what I said about our GPU machine: it’s tapir-77.',
      'Your GPU machine is tapir-77.',
    ],
    ['My desk is 4.120.', 'What I told you about my desk is outdated, it is 2.305 now.', 'Your desk is 2.305.'],
    ['Our wiki is Outline.', 'My earlier info on our wiki was wrong: it is BookStack.', 'Your wiki is BookStack.'],
    [
      'The deadline of our thesis is May 3.',
      'About the deadline of our thesis: it is June 7.',
      'The deadline of your thesis is June 7.',
    ],
    ['Our wiki is Outline.', 'The correct name of our wiki is BookStack.', 'The name of your wiki is BookStack.'],
    // By the way, in a question.
    [
      'Our standup is at 9:30.',
      'Now that our standup is at 10:15 instead of 9:30, how do I move a cron job?',
      'Your standup is at 10:15.',
    ],
    ['Our port is 8080.', 'How do I update nginx now that our port is 9090?', 'Your port is 9090.'],
    [
      'We use Jenkins for CI.',
      'Since we switched from Jenkins to Buildkite, how do I port a pipeline?',
      'You use Buildkite for CI.',
    ],
    [
      'My manager is Priya Raman.',
      'Given that my manager is now Tom Becker, whom do I cc?',
      'Your manager is Tom Becker.',
    ],
    // Left, gone, given up.
    ['I live in Delft.', "We've left Delft and live in Breda now.", 'You live in Breda.'],
    ['My employer is Initech.', 'I quit Initech. My new employer is Hooli.', 'Your employer is Hooli.'],
    [
      'Our CI server is otter-31.',
      "It's not otter-31 any more, our CI server is marten-88.",
      'Your CI server is marten-88.',
    ],
    ['Our CI server is otter-31.', 'We had to swap otter-31 for marten-88.', 'Your CI server is marten-88.'],
    [
      'Our product owner is Lena Vogt.',
      'Lena Vogt is no longer our product owner, Ali Demir is.',
      'Your product owner is Ali Demir.',
    ],
    [
      'Our product owner is Lena Vogt.',
      'Our product owner is no longer Lena Vogt, Ali Demir took over.',
      'Your product owner is Ali Demir.',
    ],
    ['Our app is called Pigeon.', 'Marketing renamed our app from Pigeon to Swift.', 'Your app is called Swift.'],
    ['Our app is called Pigeon.', 'Our app, formerly Pigeon, is called Swift now.', 'Your app is called Swift.'],
    ['Our meeting room is 3.210.', 'My bad, our meeting room should be 4.115.', 'Your meeting room is 4.115.'],
    ['Our meeting room is 3.210.', 'The meeting room changed: 4.115 instead of 3.210.', 'Your meeting room is 4.115.'],
    ['My birthday is May 3.', 'You have my birthday wrong, it is May 13.', 'Your birthday is May 13.'],
    // The subject in other words.
    [
      'I own a small wooden boat, the Albatros.',
      'The name of my boat is Petrel, not Albatros.',
      'Your small wooden boat is called Petrel.',
    ],
    [
      'Our office is in Ghent.',
      'The town where our office is is now Leuven instead of Ghent.',
      'Your office is in Leuven.',
    ],
    [
      "I'm working on a project called Falcon.",
      'The project that I work on is no longer Falcon, it is Osprey.',
      'Your project is called Osprey.',
    ],
    ['I live in Porto.', 'The town I live in has changed. It was Porto, now it is Braga.', 'You live in Braga.'],
  ])('%s → %s', (said, then, now) => {
    const { all, valid } = tell(said, then);
    const correction = all.find((card) => card.supersedes !== undefined);
    const old = all.find((card) => card.id === correction?.supersedes);
    expect(correction).toMatchObject({ statement: now, kind: 'correction' });
    expect(valid.filter((card) => card.value === old?.value || card.sources.includes(2))).toEqual([correction]);
  });
});

describe('within a conversation', () => {
  const inOne = (...prompts: readonly string[]): Card[] =>
    extractCards(
      prompts.map((prompt, i) => ({ eventId: i + 1, timestamp: i, prompt, conversation: 'c' })),
      [],
    );

  test.each<Case>([
    ['My manager is Priya Raman.', 'Sorry, I meant Tom Becker.', 'Your manager is Tom Becker.'],
    ['My manager is Priya Raman.', 'Wait, no, Tom Becker.', 'Your manager is Tom Becker.'],
    ['Our port is 8080.', 'make that 9090', 'Your port is 9090.'],
    ['Our port is 8080.', '9090, not 8080', 'Your port is 9090.'],
    ['Our port is 8080.', 'not 8080, 9090!', 'Your port is 9090.'],
    ['Our port is 8080.', 'hm, I got that wrong, it is 9090', 'Your port is 9090.'],
  ])('%s → %s', (said, then, now) => {
    const [old, next, ...more] = inOne(said, then);
    expect(more).toEqual([]);
    expect(next).toMatchObject({ statement: now, kind: 'correction', supersedes: old?.id });
  });

  test.each([
    ['My manager is Priya Raman. Write a mail to her.', 'no, it should be shorter'],
    ['My manager is Priya Raman. Write a mail to her.', 'Actually, it is fine.'],
    ['My manager is Priya Raman. Write a mail to her.', 'no, that is too formal'],
    ['Our port is 8080. Write a Dockerfile.', 'Sorry, I meant for production'],
    ['Our port is 8080. Write a Dockerfile.', 'no, the other way round'],
    ['Our port is 8080. Write a Dockerfile.', 'wait, why?'],
  ])('an answer that is to be changed is no memory: %s → %s', (said, then) => {
    expect(inOne(said, then)).toHaveLength(1);
  });
});

describe('no correction', () => {
  const SAID = [
    'Our port is 8080.',
    'My manager is Priya Raman.',
    'We use Jenkins for CI.',
    'Our project is called Falcon.',
    'I live in Porto.',
  ];

  test.each([
    // Supposed, planned, asked.
    'If our port were 9090 instead of 8080, would the proxy still work?',
    'Suppose we moved from Jenkins to Buildkite.',
    'Should we switch from Jenkins to Buildkite?',
    'Can we rename Falcon to Osprey without breaking links?',
    'What happens when we change our port from 8080 to 9090?',
    'We might move from Jenkins to Buildkite.',
    'We are thinking about switching from Jenkins to Buildkite.',
    'I would like to move from Porto to Braga one day.',
    'I want to rename Falcon to Osprey, how do I do that in git?',
    'How do I change our port from 8080 to 9090?',
    'Is my manager Tom Becker now instead of Priya Raman?',
    'Imagine my manager is no longer Priya Raman but Tom Becker.',
    'We almost switched from Jenkins to Buildkite.',
    'We never switched from Jenkins to Buildkite.',
    // Somebody else's words.
    'Bob says our port is 9090, not 8080.',
    'According to the wiki we moved from Jenkins to Buildkite.',
    'The README claims that Falcon was renamed to Osprey.',
    'Translate this: "Correction: our port is 9090 and no longer 8080, sorry."',
    '```\n# correction: our port is 9090, not 8080\n```\nWhat does this comment mean?',
    '> Actually, my manager is Tom Becker now.\nHow do I answer this?',
    'Summarise this mail:\n\nScratch that, my manager is Tom Becker now.',
    '<tool_result>Our port is no longer 8080, it is 9090.</tool_result> fix the config',
    // Other things.
    'The function returns 9090 instead of 8080.',
    'My test is no longer red, it is green.',
    'Rename the variable falcon to osprey.',
    'Use a set instead of a list.',
    'Replace Jenkins with Buildkite in this text: we like Jenkins.',
    'This is not a bug but a feature.',
    'I changed the loop to a while loop and now it hangs.',
  ])('%s', (prompt) => {
    const { all, valid } = tell(...SAID, prompt);
    expect(all.slice(SAID.length).map((card) => card.statement)).toEqual([]);
    expect(valid).toHaveLength(SAID.length);
  });

  test('two things of one kind stay two', () => {
    const { valid } = tell(
      'Our staging server is badger-12.',
      'Our build server is lynx-40.',
      'Correction: our backup server is ibex-33.',
      'I live in Ghent.',
      'Our office is in Ghent.',
      'The office moved from Ghent to Leuven.',
    );
    expect(valid.map((card) => card.statement).sort()).toEqual([
      'You live in Ghent.',
      'Your backup server is ibex-33.',
      'Your build server is lynx-40.',
      'Your office is in Leuven.',
      'Your staging server is badger-12.',
    ]);
  });

  test('what was told of one thing in the same breath is corrected with it', () => {
    const { valid } = tell(
      'I train my models on tapir-59, that is the GPU machine of our team.',
      'Actually, forget what I said about our GPU machine: it is ibex-63 now.',
    );
    expect(valid.filter((card) => card.value === 'tapir-59')).toEqual([]);
    expect(valid.map((card) => card.value)).toContain('ibex-63');
  });
});
