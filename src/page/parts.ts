import { coarseMs, leastTold } from '../base/coarse.js';
import type { Status } from '../ports/status.js';
import { historyOf } from './history.js';
import { type Content, type Html, html } from './html.js';
import { mapOf } from './map.js';
import {
  bitsText,
  clockText,
  countText,
  dropWords,
  isDrop,
  percentText,
  spanText,
  timeText,
  waitingWords,
  withinText,
} from './words.js';

const findingWords = { good: 'ok', bad: 'WRONG', note: 'note' } as const;

/** A part of the page that changes as a whole. */
const part = (id: string, title: string, content: Content): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title" data-part>
    <h2 id="${id}-title">${title}</h2>
    ${content}
  </section>`;

const health = ({ findings }: Status): Html =>
  part(
    'health',
    'Health',
    html`<ul class="findings">
      ${findings.map(({ kind, text }) => html`<li class="${kind}"><strong>${findingWords[kind]}</strong> ${text}</li>`)}
    </ul>`,
  );

type Fact = readonly [name: string, value: string, more?: string | undefined];

const budgetFacts = ({ account, day }: Status): readonly Fact[] => {
  const { perDay, perHour, perMinute, isYoung, isWarned } = account;
  const limits = [
    ...(perHour === undefined ? [] : [`${countText(perHour)} an hour`]),
    ...(perMinute === undefined ? [] : [`${perMinute} a minute`]),
    ...(isYoung ? ['a third, for the account’s first month'] : []),
    ...(isWarned ? ['less, since its provider has complained'] : []),
  ];
  const used = day.mails === undefined ? 'unknown' : countText(day.mails);
  return [
    [
      'Mails sent',
      `${used} of ${countText(perDay)} a day`,
      day.hours < 24 ? `in ${day.hours} full hours` : 'in 24 full hours',
    ],
    ...(limits.length === 0 ? [] : [['Limit', limits.join('; ')] as const]),
  ];
};

const loopFacts = ({ heartbeat, day }: Status): readonly Fact[] => {
  if (heartbeat === undefined) return [];
  const { partHome, medianMs, p90Ms } = day.loops;
  return [
    [
      'Heartbeat',
      heartbeat.isHolding
        ? 'too few loops come home: the pool is held'
        : `${percentText(heartbeat.returned)} of the loops come home`,
      partHome === undefined ? undefined : `${percentText(partHome)} in the last day`,
    ],
    [
      'Loops take',
      medianMs === undefined ? 'unknown' : `half of them ${withinText(medianMs)}`,
      p90Ms === undefined ? undefined : `nine in ten ${withinText(p90Ms)}`,
    ],
  ];
};

const listFacts = ({ network, bits, floorBits }: Status): readonly Fact[] => [
  [
    'Anonymity of a mail sent now',
    bitsText(bits),
    floorBits === undefined || floorBits === 0 ? undefined : `nothing is sent below ${floorBits} bits`,
  ],
  network === undefined
    ? ['List of nodes', 'none']
    : [
        'List of nodes',
        `${network.nodes.length} nodes`,
        `${network.consensus === undefined ? '' : `number ${network.consensus.number}, `}valid until ${timeText(network.validUntil)}`,
      ],
];

const figures = (status: Status): Html => {
  const waiting = Object.entries(status.waiting).map(([name, count]): Fact => [
    waitingWords[name] ?? name,
    countText(count),
  ]);
  const facts = [...waiting, ...budgetFacts(status), ...loopFacts(status), ...listFacts(status)];
  return part(
    'figures',
    'Figures',
    html`<dl>
        ${facts.map(
          ([name, value, more]) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${value}${more === undefined ? undefined : html`<small>${more}</small>`}</dd>
            </div>`,
        )}
      </dl>
      <p class="note">
        What waits was looked at at
        ${clockText(status.lookedAt)}.${
          status.role === 'client' ? html` <code>mixmailer queue</code> tells of each message.` : undefined
        }
      </p>`,
  );
};

const drops = ({ day }: Status): Html => {
  const rows = Object.entries(day.counts).filter(([name, count]) => isDrop(name) && count >= leastTold);
  const during = day.hours < 24 ? `${day.hours} full hours` : '24 full hours';
  return part(
    'drops',
    'Dropped, refused, tried again',
    rows.length === 0
      ? html`<p>Nothing of it ${leastTold} times or more in the last ${during}. Fewer are not shown.</p>`
      : html`<div class="scroll" role="region" aria-label="Reasons" tabindex="0">
            <table>
              <thead>
                <tr>
                  <th scope="col">Reason</th>
                  <th scope="col">In the log</th>
                  <th scope="col">In ${during}</th>
                </tr>
              </thead>
              <tbody>
                ${rows.map(
                  ([name, count]) =>
                    html`<tr>
                      <th scope="row">${dropWords[name] ?? 'Packet or message that was dropped'}</th>
                      <td><code>${name.replace('/', ' ')}</code></td>
                      <td>${countText(count)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>
          <p class="note">Fewer than ${leastTold} are not shown.</p>`,
  );
};

const map = ({ network, name }: Status): Html =>
  part(
    'map',
    'The network',
    network === undefined ? html`<p>There is no list of nodes yet.</p>` : mapOf(network, name),
  );

const why = html`<section id="why" aria-labelledby="why-title">
  <h2 id="why-title">Why not more exactly?</h2>
  <p>
    A mix hides which mail in belongs to which mail out. Exact counts and times would tell it to whoever sees this page,
    or the data base of Prometheus, besides the mails. So all counts are of full hours, rounded down to one digit, and
    of fewer than ${leastTold} nothing is told; times are those of ${spanText(coarseMs)}. Nothing here is about a single
    mail.
  </p>
</section>`;

/** Everything that changes with the status, in one element. */
export const partsOf = (status: Status | undefined): Html => {
  if (status === undefined)
    return html`<main id="parts">
      <p id="told" class="told">The process has just begun. Load this page again in a minute.</p>
    </main>`;
  const { isLive, isReady, at, startedAt } = status;
  const word = isReady ? 'At work' : isLive ? 'Not at work' : 'Standing still';
  return html`<main id="parts">
    <p id="told" class="told ${isReady ? 'good' : 'bad'}" data-part>
      <strong>${word}</strong>, as of ${timeText(at)}; began about ${timeText(startedAt)}.
    </p>
    ${health(status)} ${figures(status)} ${part('charts', 'The last days', historyOf(status))} ${drops(status)}
    ${map(status)} ${why}
  </main>`;
};
