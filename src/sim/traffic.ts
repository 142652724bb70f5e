/** A mail to or from an account, as its provider and everybody who watches the provider sees it. */
export interface AccountMail {
  readonly way: 'out' | 'in';
  readonly at: number;
  readonly sizeBytes: number;
  /** Who is at the other end. */
  readonly peer: string | number;
}

/** What is seen of one account in one day, or another span that is the same for all that are compared. */
export interface AccountDay {
  readonly startAt: number;
  readonly lengthMs: number;
  readonly mails: readonly AccountMail[];
}

/** Parts of a day that are counted by themselves: hours, if it is a whole one. */
const parts = 24;
/** Spans shorter than this part of the day count as a burst: half an hour of a whole one. */
const burstPart = 1 / 48;

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, one) => sum + one, 0) / values.length;

const deviation = (values: readonly number[]): number => {
  const middle = mean(values);
  return Math.sqrt(mean(values.map((one) => (one - middle) ** 2)));
};

/** How much one value says of the next, -1 to 1; 0 where there is nothing to say. */
const echo = (values: readonly number[]): number => {
  const middle = mean(values);
  const spread = deviation(values) ** 2;
  if (values.length < 3 || spread === 0) return 0;
  return mean(values.slice(1).map((one, i) => (one - middle) * ((values[i] ?? middle) - middle))) / spread;
};

/** The most mails in any span of that length. */
const mostWithin = (times: readonly number[], spanMs: number): number => {
  let [most, first] = [0, 0];
  times.forEach((at, last) => {
    while (at - (times[first] ?? at) > spanMs) first++;
    most = Math.max(most, last - first + 1);
  });
  return most;
};

/** Logarithm that 0 has too. */
const log = (value: number): number => Math.log(1e-6 + value);

/** When: how many, in which part of the day, how regularly, in which bursts. */
const timing = (times: readonly number[], { startAt, lengthMs }: AccountDay): readonly number[] => {
  const counts = new Array<number>(parts).fill(0);
  for (const at of times) {
    const part = Math.min(parts - 1, Math.max(0, Math.floor(((at - startAt) / lengthMs) * parts)));
    counts[part] = (counts[part] ?? 0) + 1;
  }
  const gaps = times.slice(1).map((at, i) => (at - (times[i] ?? at)) / lengthMs);
  const usual = mean(gaps);
  const ends = [0, 1].map((end) =>
    times.length === 0 ? 1 : Math.abs(((times.at(-end) ?? 0) - startAt) / lengthMs - end),
  );
  return [
    times.length,
    Math.sqrt(times.length),
    ...ends,
    log(usual),
    usual === 0 ? 0 : deviation(gaps) / usual,
    echo(gaps.map(log)),
    log(gaps.length === 0 ? 1 : Math.min(...gaps)),
    log(gaps.length === 0 ? 1 : Math.max(...gaps)),
    mean(gaps.map((gap) => (gap < usual / 10 ? 1 : 0))),
    deviation(counts) ** 2 / (mean(counts) || 1),
    mostWithin(times, lengthMs * burstPart),
    ...counts,
  ];
};

/** How large, and how the sizes differ. */
const sizing = (sizes: readonly number[]): readonly number[] => {
  const logs = sizes.map(log);
  const kinds = new Set(logs.map((one) => Math.round(one * 20)));
  const [least, most] = sizes.length === 0 ? [0, 0] : [Math.min(...logs), Math.max(...logs)];
  return [mean(logs), deviation(logs), least, most, kinds.size, echo(logs)];
};

/** With whom: how many different, how unevenly, how often the same twice running. */
const mixing = (peers: readonly AccountMail['peer'][]): readonly number[] => {
  const counts = new Map<AccountMail['peer'], number>();
  for (const peer of peers) counts.set(peer, (counts.get(peer) ?? 0) + 1);
  const shares = [...counts.values()].map((count) => count / peers.length);
  const repeats = peers.slice(1).map((peer, i) => (peer === peers[i] ? 1 : 0));
  return [
    counts.size,
    Math.max(0, ...shares),
    shares.reduce((sum, share) => sum - share * Math.log2(share), 0),
    mean(repeats),
  ];
};

/** How the mails that come follow those that leave: mean waits, and how many come within a part of the day after one. */
const answering = (out: readonly number[], came: readonly number[], lengthMs: number): readonly number[] => {
  const waits = out.map((at) => ((came.find((other) => other >= at) ?? at + lengthMs) - at) / lengthMs);
  const near = (part: number): number => mean(waits.map((wait) => (wait < part ? 1 : 0)));
  return [mean(waits), log(mean(waits)), near(1 / 96), near(1 / 24), near(1 / 12)];
};

/**
 * What somebody who watches an account can reckon from one day of it: when its mails leave and come, how large they are,
 * with whom they are exchanged, and how those that come follow those that leave. Contents are left out: packets of all
 * kinds look alike (test/attacks/kinds.test.ts).
 *
 * @returns as many numbers for every day, whatever is in it
 */
export const featuresOf = (day: AccountDay): readonly number[] => {
  const mails = day.mails.toSorted((a, b) => a.at - b.at);
  const [out, came] = (['out', 'in'] as const).map((way) => mails.filter((mail) => mail.way === way));
  const times = (some: readonly AccountMail[] = []): readonly number[] => some.map(({ at }) => at);
  const each = [out, came].flatMap((some = []) => [
    ...timing(times(some), day),
    ...sizing(some.map(({ sizeBytes }) => sizeBytes)),
    ...mixing(some.map(({ peer }) => peer)),
  ]);
  return [...each, ...answering(times(out), times(came), day.lengthMs)];
};
