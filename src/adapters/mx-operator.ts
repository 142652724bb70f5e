import { Resolver } from 'node:dns/promises';
import { getDomain } from 'tldts';
import { parseDomain } from '../base/address.js';
import { mostOperatorsKept } from '../base/bounds.js';
import { dayMs, secondMs } from '../base/units.js';
import type { Clock } from '../ports/clock.js';
import type { Operators } from '../ports/operators.js';
import { operatorOf, operatorOfMailSite } from '../provider/operator.js';

/** The mail exchangers of a domain. Rejects as `resolveMx` of node:dns does: a `code` says whether that is an answer. */
export type ResolveMx = (
  domain: string,
) => Promise<readonly { readonly exchange: string; readonly priority: number }[]>;

export interface MxOperatorParams {
  readonly clock: Clock;
  readonly resolve?: ResolveMx;
  readonly deadlineMs?: number;
}

const keptMs = 7 * dayMs;
const defaultDeadlineMs = 10 * secondMs;
/** There is such a domain without a mail exchanger, or no such domain; what else goes wrong may be right tomorrow. */
const answers = new Set(['ENODATA', 'ENOTFOUND']);

const siteOf = (domain: string): string => getDomain(domain) ?? domain.toLowerCase();

const systemResolve: ResolveMx = (domain) => new Resolver({ timeout: 3 * secondMs, tries: 2 }).resolveMx(domain);

/** Resolves as `work` does, or to undefined when that takes longer, fails, or the signal aborts. */
const within = <T>(work: Promise<T>, deadlineMs: number, signal: AbortSignal): Promise<T | undefined> =>
  new Promise((resolve) => {
    const end = (value: T | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve(value);
    };
    const giveUp = (): void => end(undefined);
    const timer = setTimeout(giveUp, deadlineMs);
    signal.addEventListener('abort', giveUp);
    work.then(end, giveUp);
    if (signal.aborted) giveUp();
  });

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/**
 * Operators by DNS: the mail exchanger that is asked first (of several with one preference the first by name) tells
 * which company takes a domain's mail. Where there is none, mail goes to the domain itself (RFC 5321 section 5.1), and
 * so does the answer. Answers are kept for a week; a failing look-up gives the last answer, however old.
 *
 * Not protected: a company under several names that this program doesn't know counts as several; who owns a domain can
 * name any exchanger that takes its mail; DNS may lie to one authority, which is why they agree by plurality.
 */
export const mxOperators = ({
  clock,
  resolve = systemResolve,
  deadlineMs = defaultDeadlineMs,
}: MxOperatorParams): Operators => {
  const known = new Map<string, { readonly operator: string; readonly at: number }>();

  const lookUp = async (domain: string): Promise<string | undefined> => {
    try {
      const hosts = (await resolve(domain))
        .toSorted((a, b) => a.priority - b.priority || (a.exchange < b.exchange ? -1 : 1))
        .map(({ exchange }) => parseDomain(exchange.replace(/\.$/, '')));
      const [first] = hosts;
      return first === undefined ? operatorOf(siteOf(domain)) : operatorOfMailSite(siteOf(first));
    } catch (error) {
      return answers.has(String(codeOf(error))) ? operatorOf(siteOf(domain)) : undefined;
    }
  };

  return {
    site: siteOf,
    operatorOf: async (domain, signal) => {
      // A name of a known company needs no look-up, and none can say otherwise.
      const company = operatorOf(domain);
      if (company !== domain.toLowerCase()) return company;
      const last = known.get(company);
      const now = clock.now();
      if (last !== undefined && now - last.at < keptMs) return last.operator;
      const operator = await within(lookUp(company), deadlineMs, signal);
      if (operator === undefined) return last?.operator;
      known.delete(company);
      known.set(company, { operator, at: now });
      for (const oldest of known.keys()) {
        if (known.size <= mostOperatorsKept) break;
        known.delete(oldest);
      }
      return operator;
    },
  };
};

/** Operators by the names of domains alone, for networks whose domains no DNS knows. */
export const namedOperators: Operators = {
  site: siteOf,
  operatorOf: (domain) => Promise.resolve(operatorOf(domain)),
};
