/** How a client's mails leave. */
export type Sending =
  /** A mail for each message, when it is written. */
  | { readonly kind: 'as written' }
  /** Mails by chance, whatever is written: a message if one waits, else cover. */
  | { readonly kind: 'paced'; readonly meanMin: number };

/** So many messages and more don't wait at one client: then something else is wrong. */
const mostWaiting = 8;

/**
 * What an observer thinks of the mails of one client, in the order in which they leave: how likely each is to carry a
 * message. A mail that leaves after a long gap is likelier to: more may have been written in it.
 *
 * @returns takes the minutes since the mail before and gives the probability
 */
export const readMails = (sending: Sending, messagesPerMin: number): ((gapMin: number) => number) => {
  if (sending.kind === 'as written') return () => 1;
  // How likely it is that so many messages wait.
  let waiting = new Float64Array(mostWaiting + 1);
  waiting[0] = 1;
  return (gapMin) => {
    const written = messagesPerMin * gapMin;
    const after = new Float64Array(mostWaiting + 1);
    const noneWritten = Math.exp(-written);
    for (let before = 0; before <= mostWaiting; before++) {
      let part = (waiting[before] ?? 0) * noneWritten;
      for (let more = 0; before + more <= mostWaiting; part *= written / ++more)
        after[before + more] = (after[before + more] ?? 0) + part;
    }
    const none = after[0] ?? 0;
    waiting = new Float64Array(mostWaiting + 1);
    waiting.set(after.subarray(1));
    waiting[0] = none + (after[1] ?? 0);
    return 1 - none;
  };
};

/** The same of a mail about which nothing is known but the gap before it: as if no more than one message ever waited. */
export const chanceOfMessage = (sending: Sending, messagesPerMin: number, gapMin: number): number =>
  sending.kind === 'as written' ? 1 : 1 - Math.exp(-messagesPerMin * gapMin);
