import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import type { AgreeInput } from '../../src/council/agree.js';
import { makeDiff } from '../../src/council/diff.js';
import { signEndorsement } from '../../src/council/endorsement.js';
import { formatInvitation } from '../../src/council/invitation.js';
import { signAnswer, signChallenge, signLeave } from '../../src/council/membership.js';
import { formatRequest } from '../../src/council/request.js';
import { digestOf } from '../../src/route/document.js';
import { now, secretOf, signedNode } from '../route/nodes.js';
import { agreed, authoritiesOf, type Ballot, ballotOf, chainAfter, four, heard, idOf, keyOf, listFrom, memberOf, today } from '../council/council.js';

/* Makes the files of council/; test/council/vectors.test.ts compares them. docs/spec-directory.md says how to read them. */

export interface CouncilVectors {
  readonly files: Readonly<Record<string, string>>;
  /** The second round, as one who follows the specification has to hear it. */
  readonly second: AgreeInput;
}

const textsOf = (ballots: readonly Ballot[], of: 'vote' | 'reveal'): string => ballots.map((one) => one[of].text).join('');

/**
 * Two rounds of four authorities. In the first, alice and bob come in; dan alone knows carol, too. In the second, carol
 * comes in, mallory wants alice's name, three change a parameter, and each measured something else. Dan withholds his
 * secret, so two that count say that bob leaves: too few.
 */
export const councilVectors = (): CouncilVectors => {
  const nodes = ['alice', 'bob', 'carol'].map((name) => signedNode(name));
  const [alice = '', bob = '', carol = ''] = nodes;
  const mallory = signedNode('mallory', { name: 'alice' });
  const firstBallots = four.map((name, i) =>
    ballotOf(name, { members: (i === 3 ? nodes : [alice, bob]).map((text) => memberOf(text)) }),
  );
  const first = listFrom(heard(firstBallots, nodes));
  const { parameters } = first;
  const secondBallots = four.map((name, i) =>
    ballotOf(name, {
      ...chainAfter(first),
      parameters: i < 3 ? { ...parameters, topology: { kind: 'layers', successors: [3, 3, 2] }, mostPerOperator: 2 } : parameters,
      members: [
        memberOf(alice, { deliveredPerMille: 900 + 10 * i, medianMs: (30 + i) * minuteMs, p90Ms: (2 + i) * hourMs }),
        memberOf(bob, { leaving: i > 0 }),
        memberOf(carol),
        memberOf(mallory),
      ],
    }),
  );
  const all = heard(secondBallots, [carol, mallory], { previous: first });
  const second = { ...all, reveals: all.reveals.slice(0, 3) };
  const next = listFrom(second);
  const nonce = digestOf('nonce');
  return {
    second,
    files: {
      'votes-1.txt': textsOf(firstBallots, 'vote'),
      'reveals-1.txt': textsOf(firstBallots, 'reveal'),
      'list-1.txt': first.text,
      'votes-2.txt': textsOf(secondBallots, 'vote'),
      'reveals-2.txt': textsOf(secondBallots.slice(0, 3), 'reveal'),
      'descriptors-2.txt': `${carol}${mallory}`,
      'list-2.txt': next.text,
      'diff.txt': makeDiff(first.text, next.text),
      'endorsement.txt': signEndorsement({ number: today + 1, body: agreed(second).body }, secretOf('ann')),
      'challenge.txt': signChallenge({ nodeId: idOf('carol'), address: 'mix@carol.example', nonce }, secretOf('ann')),
      'answer.txt': signAnswer({ authority: keyOf('ann'), nonce }, secretOf('carol')),
      'leave.txt': signLeave({ publishedAt: now }, secretOf('bob')),
      'request.txt': formatRequest({ have: first.digest }),
      'invitation.txt': `${formatInvitation({ authorities: authoritiesOf(four), periodMs: dayMs, urls: ['https://mix.example/list?a=b'] })}\n`,
    },
  };
};
