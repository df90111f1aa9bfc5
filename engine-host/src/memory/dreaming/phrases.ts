/** The sentences in which people tell lasting things, each with what it says. Order matters: the first that fits a clause wins. */
import { isLastingNoun, isNamed } from './durable.ts';
import { toUser } from './person.ts';
import {
  HAPPENS,
  address,
  attribute,
  changed,
  decides,
  does,
  gerund,
  instead,
  isAboutAnswers,
  kindOf,
  likes,
  named,
  place,
  placeOf,
  plainSubject,
  prefers,
  prefersFor,
  rule,
  told,
  trim,
  type Said,
  uses,
} from './said.ts';

interface Phrase {
  readonly pattern: RegExp;
  readonly read: (g: Readonly<Record<string, string>>) => Said | undefined;
}

/** The user's own things, or a thing with a definite article. */
const OWN = String.raw`(?<owner>my|our)\s+(?<noun>[\wÀ-ɏ'’ ./+#-]{2,70}?)`;
const THING = String.raw`(?<thing>(?:my|our|the|all|each|every)\s+[\wÀ-ɏ'’ ./+#-]{2,70}?)`;
const USE = String.raw`(?:use|uses|using|rely on|go with|went with|going with|chose|choose|picked|pick|settled on|standardi[sz]ed on|adopted|have adopted|run|stick to|work with)`;
/** What may stand between subject and verb. */
const ADVERB = String.raw`(?:(?:also|always|usually|normally|typically|generally|mostly|mainly|currently|now|still|actually|really|exclusively|only|all|both)\s+)?`;

/** Days and times. */
const WEEKLY = /^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\d{1,2}(?::\d\d|\s?[ap]m))/i;

export const PHRASES: readonly Phrase[] = [
  phrase(
    String.raw`^(?:you\s+(?:can|may|should)\s+|(?:just|everyone|everybody|people|friends|colleagues)\s+)?calls?\s+me\s+(?<name>[\w'’. -]{2,40})$`,
    (g) => address(g['name']),
  ),
  phrase(String.raw`^i\s+(?:go|went)\s+by\s+(?<name>[\w'’. -]{2,40})$`, (g) => address(g['name'])),
  phrase(String.raw`^(?:i'm|i am)\s+(?:called|named)\s+(?<name>[\w'’. -]{2,40})$`, (g) =>
    attribute('your name', g['name']),
  ),
  phrase(
    String.raw`^(?:[iI]'m|[iI] am|[tT]his is)\s+(?<name>[A-Z][a-z]{1,20}(?:\s+[A-Z][\w'’-]{1,20}){0,2})(?:\s+here)?$`,
    // "I'm German" is no name.
    (g) =>
      /(?:ish|ese|ian|ean|man|can|tch|ench|wiss|eek|zech|hai|aeli|aqi|ali)$/.test(g['name'] ?? '')
        ? undefined
        : attribute('your name', g['name']),
    '',
  ),
  phrase(
    String.raw`^(?:i'm|i am)\s+(?:currently\s+|now\s+)?(?<value>an?\s+[a-z][\w' /-]{2,50}?)(?:\s+(?:at|for|with|from)\s+(?<employer>[^,]{2,50}))?$`,
    (g) => {
      const { value = '', employer } = g;
      const noun = /([a-z]+)$/i.exec(value)?.[1] ?? '';
      if (!/(?:er|or|ist|ian|ant|ent|ect|yst|rse|chef|lead|cto|ceo|officer|sre)$/i.test(noun)) return undefined;
      if (
        /^(?:beginner|user|newcomer|customer|bigger|better|believer|lover|former|number|member|different|current|recent|patient)$/i.test(
          noun,
        )
      )
        return undefined;
      return told(
        'attribute',
        'your job',
        value,
        `you are ${value}${employer === undefined ? '' : ` at ${trim(employer)}`}`,
      );
    },
  ),
  phrase(String.raw`^the\s+name(?:'s| is)\s+(?<name>[\w'’. -]{2,40})$`, (g) => attribute('your name', g['name'])),

  // Changes: "we switched from X to Y", "we moved the docs from X to Y".
  phrase(
    String.raw`^(?:we|i|the team|my team|our team)(?:'ve| have| just| recently| finally| already| now)*\s+(?<verb>switched|moved|migrated|changed|gone|went|transitioned|converted|upgraded)\s+(?:(?<object>(?:the|our|my|all|everything)\b[\w'’ -]{0,60}?)\s+)?(?:over\s+)?(?:(?:away\s+)?from\s+(?<old>[^,]{1,60}?)\s+)?(?:over\s+)?to\s+(?:using\s+)?(?<value>[^,]{1,60}?)(?:\s+(?:for|as|in)\s+(?<purpose>[^,]{2,80}))?$`,
    (g) => changed(g),
  ),
  phrase(
    String.raw`^(?:we|i)(?:'ve| have)?\s+(?:replaced|swapped(?: out)?|dropped|ditched|abandoned|retired)\s+(?<old>[^,]{1,60}?)\s+(?:with|for|by|in favou?r of)\s+(?<value>[^,]{1,60}?)(?:\s+(?:for|as|in)\s+(?<purpose>[^,]{2,80}))?$`,
    (g) => changed(g),
  ),
  phrase(
    String.raw`^instead\s+of\s+(?<old>[^,]{1,60}?),?\s+(?:we|i)(?:'ll)?\s+(?:now\s+)?${USE}\s+(?:now\s+)?(?<value>[^,]{1,60}?)(?:\s+now)?(?:\s+(?:for|as|in)\s+(?<purpose>[^,]{2,80}))?$`,
    (g) => changed(g),
  ),
  phrase(
    String.raw`^${THING}\s+(?:has |have |was |were |just |recently |been )*(?:changed|moved|renamed|switched|migrated|shifted|relocated)\s+(?:from\s+(?<old>[^,]{1,60}?)\s+)?to\s+(?<value>[^,]{1,70})$`,
    (g) => {
      const said = attribute(toUser(g['thing'] ?? ''), g['value'], 'correction');
      return said === undefined ? undefined : instead(said, g['old']);
    },
  ),

  // Names.
  phrase(
    String.raw`^(?:i|we)(?:'ve got| have| have got| own| got| adopted|(?:'m| am|'re| are)? (?:work|working|build|building|maintain|maintaining)(?: on)?)\s+(?:an?|one|this|another)\s+(?<noun>[\w' -]{2,50}?)\s+(?:called|named|by the name of|nicknamed|codenamed|whose name is)\s+(?<value>[^,]{1,50})$`,
    (g) => named(`your ${g['noun'] ?? ''}`, g['value']),
  ),
  phrase(
    String.raw`^${THING}\s+(?:is|are|was|were|gets|will be|has been)\s+(?:now\s+|officially\s+|internally\s+|all\s+)?(?:called|named|nicknamed|codenamed|code-named|known as|referred to as|renamed to|titled|dubbed)\s+(?<value>[^,]{1,60}?)(?:\s+(?:now|internally|these days))?$`,
    (g) => named(toUser(g['thing'] ?? ''), g['value']),
  ),
  phrase(
    String.raw`^${THING}\s+(?:has|have|got|carries|bears)\s+(?:the|a)\s+(?<what>(?:host|code|nick|project|user|domain )?name|codename|title|number|port|address|extension)\s+(?<value>[^,]{1,50})$`,
    (g) => {
      const { thing = '', what = 'name', value } = g;
      return /name$|^title$/i.test(what)
        ? named(toUser(thing), value)
        : attribute(`${toUser(thing)}'s ${what.toLowerCase()}`, value);
    },
  ),
  phrase(String.raw`^${THING}\s+goes\s+by\s+(?:the\s+name\s+(?:of\s+)?)?(?<value>[^,]{1,60})$`, (g) =>
    named(toUser(g['thing'] ?? ''), g['value']),
  ),
  phrase(
    String.raw`^(?:we|i)\s+(?:call|named|nicknamed|codenamed|dubbed|christened)\s+(?<thing>(?:my|our|the|that)\s+[a-z][a-z' -]{1,50}?)\s+(?<value>["'“‘\`]?[A-Z0-9][^,]{0,50})$`,
    (g) => named(toUser(g['thing'] ?? ''), g['value']),
    '',
  ),

  // What is used for what.
  phrase(String.raw`^for\s+(?<purpose>[^,]{2,80}?),?\s+(?:we|i)\s+${ADVERB}${USE}\s+(?<value>[^,]{1,70})$`, (g) =>
    uses(g['value'], g['purpose']),
  ),
  phrase(
    String.raw`^(?:we|i|my team|our team|the team|everyone(?: here)?)(?:'re|'m|'ve| are| am| have)?\s+${ADVERB}${USE}\s+(?<value>[^,]{1,70}?)\s+(?:for|as)\s+(?<purpose>[^,]{2,80})$`,
    (g) => uses(g['value'], g['purpose']),
  ),
  phrase(
    String.raw`^(?:we|i|my team|our team|the team)(?:'re|'m| are| am)?\s+${ADVERB}(?:use|using|rely on)\s+(?<value>[^,]{1,60}?)\s+(?:to|when)\s+(?<purpose>[a-z][^,]{2,80})$`,
    (g) => uses(g['value'], g['purpose'], 'to'),
  ),
  phrase(
    String.raw`^to\s+(?<purpose>[a-z][^,]{2,60}?),?\s+(?:(?:we|i|you can|you|just|simply)\s+)?(?:always\s+)?(?:use|run|type|call|execute)\s+(?<value>[^,]{2,70})$`,
    (g) => (isNamed(g['value'] ?? '') ? uses(g['value'], g['purpose'], 'to') : undefined),
  ),
  phrase(
    String.raw`^${THING}\s+(?<verb>is|are|was|were|has been)\s+(?:now\s+|all\s+|mostly\s+|entirely\s+)?(?<how>(?:written|built|coded|implemented|developed|made|done|generated|managed|handled|powered|backed|created|run)\s+(?:in|with|using|on|by|via|through))\s+(?<value>[^,]{1,60})$`,
    (g) => {
      const { thing = '', verb = 'is', how = 'built with', value } = g;
      const about = plainSubject(toUser(thing));
      const what = trim(value);
      if (!isNamed(what) || /\b(?:function|code|example|error|bug|problem|question|loop|class|method)$/i.test(about))
        return undefined;
      return told('use', about, what, `${about} ${verb} ${how} ${what}`);
    },
  ),
  phrase(
    String.raw`^${THING}\s+(?<verb>runs?|is running|are running|is deployed|are deployed|is hosted|are hosted)\s+on\s+(?!port\s+\d)(?<value>[^,:\d][^,]{1,50})$`,
    (g) => {
      const about = plainSubject(toUser(g['thing'] ?? ''));
      const what = trim(g['value']);
      const base = /deploy/.test(g['verb'] ?? '') ? 'deploy' : /host/.test(g['verb'] ?? '') ? 'host' : 'run';
      return isNamed(what)
        ? told('use', `to ${base} ${about}`, what, `${about} ${g['verb'] ?? 'runs'} on ${what}`)
        : undefined;
    },
  ),
  phrase(
    String.raw`^(?:(?:we|i)(?:'ve| have)?\s+(?:decided|agreed|chosen|opted)\s+(?:to use|on|to go with|for|to adopt|upon)|let's\s+(?:use|go with|stick (?:with|to)|settle on)|(?:we|i)(?:'ll| will|'re going to| are going to)\s+(?:use|go with))\s+(?<value>[^,]{1,60}?)\s+(?:for|as)\s+(?<purpose>[^,]{2,80})$`,
    (g) => kindOf(uses(g['value'], g['purpose']), 'decision'),
  ),
  phrase(
    String.raw`^(?:we|i|the team|my team|our team)(?:'re| are|'ve| have)?\s+${ADVERB}(?<verb>deploy(?:ing|ed)?|host(?:ing|ed)?|ship(?:ping|ped)?|test(?:ing|ed)?|build(?:ing)?|bundle|lint(?:ing)?|format(?:ting)?|monitor(?:ing)?|log|track(?:ing)?|document(?:ing)?|publish(?:ing)?|release|releasing|write|writing|code|coding|run|running|store|storing|train|training|version|authenticate)\s+(?:(?<object>[\w' -]{2,40}?)\s+)?(?<how>with|using|via|through|on|to|in|at)\s+(?<value>[^,]{1,60})$`,
    (g) => does(g),
  ),

  // Places and people.
  phrase(
    String.raw`^(?:i|we)\s+(?:always\s+)?(?:have|hold|do)\s+(?<thing>(?:my|our|the)\s+[a-z][\w' -]{2,40}?)\s+(?<where>on|at|every)\s+(?<value>[^,]{2,40})$`,
    (g) => (WEEKLY.test(g['value'] ?? '') ? placeOf(g) : undefined),
  ),
  phrase(
    String.raw`^(?:every\s+\w+\s+)?(?:i|we)\s+(?:always\s+|usually\s+|mostly\s+|often\s+)?go\s+to\s+(?<value>[A-Z][^,]{1,40}?)\s+for\s+(?<purpose>[^,]{2,40})$`,
    (g) => {
      const { value, purpose = '' } = g;
      const why = toUser(trim(purpose));
      return told('attribute', `the place where you go for ${why}`, value, `you go to ${trim(value)} for ${why}`);
    },
  ),
  phrase(
    String.raw`^${THING}\s+(?<verb>goes|go|is sent|are sent|is shipped|are shipped|is pushed|are pushed|is published|are published|is uploaded|are uploaded|is written|are written|is backed up|are backed up)\s+(?<where>to|into)\s+(?<value>[^,]{2,60})$`,
    (g) => {
      const about = plainSubject(toUser(g['thing'] ?? ''));
      const what = trim(g['value']);
      return isNamed(what)
        ? told('place', about, what, `${about} ${g['verb'] ?? 'goes'} ${g['where'] ?? 'to'} ${what}`)
        : undefined;
    },
  ),
  phrase(
    String.raw`^i\s+(?:also\s+|mostly\s+|mainly\s+|usually\s+|still\s+|currently\s+)?(?<verb>drive|ride|play|speak|study|teach|collect|grow|program in|code in|type on|type with|write|drink|wear|commute by|commute to|sing|practise|practice|volunteer at|volunteer with|volunteer for|own)\s+(?:in\s+)?(?<value>[^,]{2,60})$`,
    (g) => {
      const { verb = '', value } = g;
      const what = trim(value);
      if (
        /^(?:it|this|that|to|about|with|for|around|tests?|code|an? (?:function|test|script|program|class|loop|query))\b/i.test(
          what,
        ) ||
        what.split(' ').length > 7
      )
        return undefined;
      return told('note', `what you ${verb}`, what, `you ${verb} ${toUser(what)}`);
    },
  ),
  phrase(
    String.raw`^(?:i|we)(?:'m| am|'ve| have|'re| are)?\s+(?:now\s+|just\s+|recently\s+)?(?:live|living|based|located|moved|relocated|reside|residing|settled)\s+(?:over\s+)?(?:in|at|to|near|on|out of)\s+(?<value>[^,]{2,60}?(?:,\s+[A-Z]\w+)?)(?:\s+now)?$`,
    (g) => place('you', 'live', 'in', g['value']),
  ),
  phrase(
    String.raw`^i(?:'m| am| come)\s+(?:originally\s+)?from\s+(?<value>[A-Z][^,]{1,50}?)(?:\s+originally)?$`,
    (g) => attribute('your home town', g['value']),
    '',
  ),
  phrase(
    String.raw`^I(?:'m| am| come)\s+(?:originally\s+)?from\s+(?<value>[A-Z][^,]{1,50}?)(?:\s+originally)?$`,
    (g) => attribute('your home town', g['value']),
    '',
  ),
  phrase(
    String.raw`^(?:i|we)(?:'m| am)?\s+(?:now\s+)?(?:work|working|employed)\s+(?:for|at)\s+(?<value>[^,]{2,60}?)(?:\s+as\s+(?:an?\s+)?(?<role>[^,]{3,50}))?$`,
    (g) => (isNamed(g['value'] ?? '') ? attribute('your employer', g['value']) : undefined),
  ),
  phrase(
    String.raw`^i(?:'m| am)?\s+(?:now\s+)?(?:work|working|employed)\s+as\s+(?<value>an?\s+[^,]{3,50}?)(?:\s+(?:at|for)\s+.*)?$`,
    (g) => attribute('your job', g['value']),
  ),
  phrase(String.raw`^i\s+was\s+born\s+(?:on|in)\s+(?<value>[^,]{3,40}(?:,\s+\d{4})?)$`, (g) =>
    /\d/.test(g['value'] ?? '') ? attribute('your birthday', g['value']) : attribute('your birthplace', g['value']),
  ),
  phrase(String.raw`^(?:i'm|i am|i have an?)\s+(?:allergic\s+to|allergy\s+to)\s+(?<value>[^,]{2,50})$`, (g) =>
    told('attribute', 'your allergy', g['value'], `you are allergic to ${trim(g['value'])}`),
  ),
  phrase(
    String.raw`^(?:i'm|i am)\s+(?:a\s+)?(?<value>vegetarian|vegan|left-handed|right-handed|colou?r-?blind|lactose intolerant|dyslexic|diabetic|pescatarian|gluten intolerant)$`,
    (g) => told('note', `whether you are ${trim(g['value'])}`, g['value'], `you are ${trim(g['value'])}`),
  ),
  phrase(
    String.raw`^${THING}\s+(?:lives?|sits?|resides?|runs?|is|are|was|were|stays?)\s+(?:now\s+)?(?:located\s+|hosted\s+|stored\s+|kept\s+|deployed\s+|based\s+|saved\s+|found\s+|defined\s+|documented\s+|running\s+|checked in\s+|archived\s+)?(?<where>in|at|on|under|inside|within|behind|near)\s+(?!port\s+\d)(?<value>[^,]{2,70})$`,
    (g) => placeOf(g),
  ),
  phrase(
    String.raw`^${THING}\s+(?:now\s+)?(?:listens?|is listening|runs?|is running|is reachable|is exposed|is served|is available)\s+on\s+(?:port\s+)?(?<value>:?\d{2,5})$`,
    (g) => attribute(`${toUser(g['thing'] ?? '')}'s port`, g['value']),
  ),

  // Preferences with what they are for.
  phrase(
    String.raw`^(?:for|when it comes to|as for|in terms of)\s+(?<purpose>[^,]{2,50}?),?\s+i\s+(?:really |always |usually |much |strongly )?(?:prefer|like|love|want)\s+(?<value>[^,]{2,50}?)(?:\s+(?:over|to|rather than|instead of|more than)\s+(?<other>[^,]{2,50}?))?(?:\s+(?:the\s+)?best)?$`,
    (g) => prefersFor(g['value'], g['purpose'], g['other']),
  ),
  phrase(
    String.raw`^i\s+prefer\s+(?<value>[^,]{2,50}?)(?:\s+(?:over|to|rather than|instead of)\s+(?<other>[^,]{2,50}?))?\s+for\s+(?<purpose>[^,]{2,50})$`,
    (g) => prefersFor(g['value'], g['purpose'], g['other']),
  ),
  phrase(
    String.raw`^i\s+(?:really\s+)?(?:like|love)\s+(?<value>[^,]{2,60}?)\s+(?:the\s+)?(?:best|most)(?:\s+of all)?$`,
    (g) => prefers(g['value']),
  ),
  phrase(
    String.raw`^(?:when it comes to\s+(?<purpose>[^,]{2,40}?),?\s+)?i(?:'m| am)\s+(?:more of\s+)?(?:an?|in the|on the)\s+(?<value>[\w.+# -]{2,30}?)\s+(?:person|guy|girl|fan|user|camp|team|side|kind of person|lover|enthusiast)$`,
    (g) => (g['purpose'] === undefined ? prefers(g['value']) : prefersFor(g['value'], g['purpose'])),
  ),
  phrase(
    String.raw`^i\s+(?:can't|cannot|could not|couldn't)\s+(?:work|live|code|start|function|do)\s+(?:\w+\s+)?without\s+(?<value>[^,]{2,50})$`,
    (g) => likes("can't work without", g['value']),
  ),
  phrase(
    String.raw`^(?:we|i)\s+(?:only\s+)?use\s+(?<value>[^,]{2,40}?)\s+(?:here|around here|at work|in this project|in this repo|everywhere)$`,
    (g) => {
      const what = trim(g['value']);
      return told('note', what, what, `you use ${what}`);
    },
  ),
  phrase(
    String.raw`^(?:the\s+)?(?<noun>(?:daily\s+)?(?:stand-?up|retro|retrospective|sprint planning|sprint review|release|launch|demo))\s+is\s+(?:always\s+)?(?<at>at|on|every)?\s*(?<value>[^,]{2,40})$`,
    (g) =>
      isNamed(g['value'] ?? '')
        ? told(
            'attribute',
            `the ${g['noun'] ?? ''}`,
            g['value'],
            `the ${g['noun'] ?? ''} is ${g['at'] ?? ''} ${trim(g['value'])}`.replace('  ', ' '),
          )
        : undefined,
  ),

  // Preferences.
  phrase(
    String.raw`^i(?:'d| would)?\s+(?:much |really |strongly |generally |usually |still |always |personally )?(?:prefer|rather (?:use|have|see|write|get))\s+(?<value>[^,]{2,80}?)\s+(?:over|to|rather than|instead of|than)\s+(?<other>[^,]{2,60})$`,
    (g) => prefers(g['value'], g['other']),
  ),
  phrase(
    String.raw`^i\s+(?:really |generally |usually |much |strongly |always |personally )?prefer\s+(?:it when\s+|to (?:use|have|see|write|get)\s+|using\s+)?(?<value>[^,]{2,90})$`,
    (g) => prefers(g['value']),
  ),
  phrase(
    String.raw`^i\s+(?:really |actually )?(?:like|love|enjoy)\s+(?<value>[^,]{2,60}?)\s+(?:more|better)\s+than\s+(?<other>[^,]{2,60})$`,
    (g) => prefers(g['value'], g['other']),
  ),
  phrase(
    String.raw`^(?:please\s+)?(?:use|write|give me|pick|choose)\s+(?<value>[^,]{2,60}?)\s+(?:instead of|rather than|over|not)\s+(?<other>[^,]{2,60}?)(?:\s+(?:from now on|in the future|going forward|by default|always))$`,
    (g) => prefers(g['value'], g['other']),
  ),
  phrase(
    String.raw`^i\s+(?:really |absolutely |also |just )?(?<verb>love|like|enjoy|hate|dislike|can't stand|cannot stand|don't like|do not like|despise|avoid)\s+(?<value>[^,]{2,80})$`,
    (g) => likes(g['verb'], g['value']),
  ),

  // Rules.
  phrase(
    String.raw`^(?:please\s+|you\s+(?:should|must)\s+|i\s+(?:want|need|would like|'d like)\s+you\s+to\s+|code (?:should|must)\s+)?(?<how>always|never)\s+(?<value>[^.]{3,160})$`,
    (g) => rule(g['how'], g['value']),
  ),
  phrase(
    String.raw`^(?:when(?:ever)?|if)\s+you\s+(?<act>write|answer|reply|generate|explain|give|show|use|make|suggest|review)\b(?<when>[^,]{0,60}),\s+(?:please\s+)?(?<negated>do not|don't|never)?\s*(?:always\s+)?(?<value>[a-z][^.]{3,140})$`,
    (g) =>
      rule(g['negated'] === undefined ? 'always' : 'never', g['value'], `when I ${g['act'] ?? ''}${g['when'] ?? ''}`),
  ),
  phrase(String.raw`^(?<who>we|i)\s+(?<how>always|never)\s+(?<value>[^.]{3,160})$`, (g) => {
    const { how = 'always', value = '' } = g;
    if (HAPPENS.test(value)) return undefined;
    return told(
      'rule',
      toUser(trim(value)),
      trim(value),
      `you ${how.toLowerCase()} ${toUser(trim(value))}`,
      'preference',
    );
  }),
  phrase(
    String.raw`^(?:from now on|going forward|in (?:the )?future|by default|in general|for all (?:my|our) (?:projects?|code|answers|replies)|every time|whenever you (?:answer|reply|write code|write))[,:]?\s+(?:please\s+|you\s+should\s+)?(?<negated>do not|don't|never|avoid)?\s*(?<value>[a-z][^.]{3,160})$`,
    (g) =>
      rule(g['negated'] === undefined ? 'always' : 'never', g['negated'] === 'avoid' ? gerund(g['value']) : g['value']),
  ),
  phrase(
    String.raw`^(?:please\s+)?(?<negated>do not|don't|avoid|stop)?\s*(?<value>[a-z][^.]{3,140}?),?\s+(?:from now on|going forward|in (?:the )?future|every time|by default|at all times)$`,
    (g) => rule(/^(?:do not|don't|avoid|stop)$/i.test(g['negated'] ?? '') ? 'never' : 'always', g['value']),
  ),
  phrase(
    String.raw`^(?:please\s+)?(?<negated>do not|don't|avoid)?\s*(?<value>(?:keep|make|write|use|give|answer|reply|respond|explain|format|start|end|begin|put|include|add|show|start(?:ing)?|us(?:e|ing))\b[^.]{0,80}\b(?:your|all|every|each|any)\s+(?:\w+\s+)?(?:answers?|repl(?:y|ies)|responses?|explanations?|summar(?:y|ies)|code(?: samples| examples)?|examples?|comments?|commit messages?|functions?|messages?)\b[^.]{0,60})$`,
    (g) => rule(g['negated'] === undefined ? 'always' : 'never', g['value']),
  ),

  // Decisions without a purpose.
  phrase(
    String.raw`^(?:(?:we|i)(?:'ve| have)?\s+(?:decided|agreed|chosen|opted|resolved)\s+(?:that\s+|on\s+|upon\s+|for\s+)?)(?<value>[^.]{4,140})$`,
    (g) => decides(g['value']),
  ),

  // Rules that name no "always".
  phrase(
    String.raw`^(?:every|all|each|any)\s+(?<what>[^,]{3,50}?)\s+(?:should|must|has to|have to|needs? to|is to|are to)\s+(?<value>[^.]{3,120})$`,
    (g) => rule('always', `let every ${(g['what'] ?? '').replace(/s$/, '')} ${trim(g['value'])}`),
  ),
  phrase(
    String.raw`^(?<what>(?!(?:i|you|we|they|he|she|it|this|that|these|those|there|what|who|how|my|our|the|a|an|something|someone|everyone)\b)[a-z][\w ]{3,50}?)\s+(?:should|must|have to|need to|has to)\s+(?:always\s+)?(?<value>[^.]{3,120})$`,
    (g) => (isAboutAnswers(g['what'] ?? '') ? rule('always', `let ${trim(g['what'])} ${trim(g['value'])}`) : undefined),
  ),
  phrase(
    String.raw`^(?:in|for)\s+(?<where>[A-Za-z][\w.+#]{0,20}(?:\s+code)?),?\s+(?:please\s+)?(?:only\s+|always\s+)?(?<value>(?:give me|use|write|show me|show|prefer|put)\s+[^.]{3,100})$`,
    (g) => rule('always', g['value'], `in ${g['where'] ?? ''}`),
  ),
  phrase(
    String.raw`^(?<value>(?:use|write|give me|put|keep|format|show|name|indent|end|start|prefer|answer|reply)\s+[^.]{3,120}?),?\s+(?:please,?\s+)?(?:always|every time|without exception|please ever)$`,
    (g) => rule('always', g['value']),
  ),
  phrase(
    String.raw`^(?<value>(?:use|write|give me|put|keep|format|show|name|indent|prefer|answer|reply)\s+(?!(?:me\s+)?(?:an?|the|this|some|one)\b)[^.,]{3,80}(?:,\s+|\s+and\s+)(?:please,?\s+)?(?:never|always|not ever)\s+(?:[^.]|\.\w){2,100})$`,
    (g) => rule('always', g['value']),
  ),
  phrase(
    String.raw`^(?:please,?\s+)?no\s+(?<value>[a-z][^.,]{2,50}?)(?:\s+in\s+(?<where>[^.,]{2,40}?))?(?:,?\s+(?:please|thanks))?(?<ever>,?\s+(?:ever|at all|never))?(?:,?\s+please)?$`,
    (g) =>
      g['where'] === undefined && g['ever'] === undefined
        ? undefined
        : rule('never', `use ${g['value'] ?? ''}${g['where'] === undefined ? '' : ` in ${g['where']}`}`),
  ),
  phrase(
    String.raw`^(?<what>[a-z][\w ]{2,40}?)\s+(?<how>always|never)\s+(?<value>(?:as|in|with|without|like|on|at)\s+[^.]{2,60})$`,
    (g) =>
      isAboutAnswers(g['what'] ?? '') ||
      /\b(?:dates?|times?|numbers?|units?|lists?|tables?|currenc\w+|temperatures?|headings?)\b/i.test(g['what'] ?? '')
        ? rule(g['how'], `write ${(g['what'] ?? '').toLowerCase()} ${trim(g['value'])}`)
        : undefined,
  ),
  phrase(
    String.raw`^(?<value>(?!(?:i|you|we|they|it|this|that|my|our|there)\b)[a-z][\w' -]{3,50}),\s+(?:please,?\s+)?never\s+(?<not>[^.,]{2,50})$`,
    (g) =>
      isAboutAnswers(g['value'] ?? '') ? rule('always', `use ${trim(g['value'])}, never ${trim(g['not'])}`) : undefined,
  ),
  phrase(String.raw`^i\s+(?:only|always)\s+want\s+(?<value>[^.,]{3,90})$`, (g) =>
    isAboutAnswers(g['value'] ?? '') ? rule('always', `use ${trim(g['value'])}`) : undefined,
  ),
  phrase(
    String.raw`^i\s+(?:want|need|would like|'d like)\s+(?<value>[^.,]{3,90}?\b(?:all|every|each|any)\b[^.,]{3,60})$`,
    (g) => (isAboutAnswers(g['value'] ?? '') ? rule('always', `put ${trim(g['value'])}`) : undefined),
  ),

  // What is used, without saying for what.
  phrase(
    String.raw`^(?:we|my team|our team|the team|our company)(?:'re| are)?\s+${ADVERB}(?:use|using|on)\s+(?<value>[^,]{2,50})$`,
    (g) => {
      const what = trim(g['value']);
      if (!/^[A-Z0-9]|\d/.test(what) || what.split(' ').length > 5) return undefined;
      return told('note', what, what, `you use ${what}`);
    },
  ),

  // "Priya is my manager".
  phrase(
    String.raw`^(?<value>[A-Z][\w'’.-]*(?:\s+[A-Z][\w'’.-]*){0,3})\s+is\s+(?:now\s+)?(?<owner>my|our)\s+(?:new\s+|current\s+)?(?<noun>[a-z][\w' -]{2,40}?)(?:\s+now)?$`,
    (g) => attribute(`your ${g['noun'] ?? ''}`, g['value']),
    '',
  ),
  // "the code name of our project is Falcon".
  phrase(
    String.raw`^the\s+(?<noun>[\w' -]{2,40}?)\s+(?<of>of|for)\s+(?<thing>(?:my|our|the)\s+[\w' -]{2,50}?)\s+(?:is|are|will be)\s+(?:now\s+)?(?<value>[^,]{1,70})$`,
    (g) => attribute(`the ${g['noun'] ?? ''} ${g['of'] ?? 'of'} ${toUser(g['thing'] ?? '')}`, g['value']),
  ),
  // "my manager is Priya", the most common of all.
  phrase(
    String.raw`^${OWN}\s*(?:(?:'s|’s)\s+name\s+)?(?:\s(?:is|are|was|were|will be|has been|became|falls on|starts (?:at|on)|ends (?:at|on))|=|:)\s+(?:now\s+|actually\s+|currently\s+|still\s+|the\s+same:?\s+)?(?<value>[^,;]{1,90}?(?:,\s+[A-Z]\w+)?)(?:\s+(?:now|these days|at the moment|as of \w+))?$`,
    (g) => attribute(`your ${g['noun'] ?? ''}`, g['value']),
  ),
  phrase(
    String.raw`^(?<thing>the\s+[\w'’ ./-]{2,60}?)\s+(?:is|are|will be|falls on)\s+(?:now\s+)?(?<value>[^,;]{1,70}?)(?:\s+now)?$`,
    (g) => {
      const { thing = '', value = '' } = g;
      // Without an owner only what has a name, of a thing that is known to have one.
      return isNamed(value) && isLastingNoun(thing.split(/\s+(?:where|that|which|who|I|we|on|in)\s+/i)[0] ?? '')
        ? attribute(toUser(thing), value)
        : undefined;
    },
  ),
];

/** `flags` '' makes the case of the value count. */
function phrase(pattern: string, read: Phrase['read'], flags = 'i'): Phrase {
  return { pattern: new RegExp(pattern, flags), read };
}
