import { parseAddress } from '../base/address.js';
import { SubmissionError } from '../base/errors.js';

/**
 * The recipient's address as the network writes it.
 *
 * @throws SubmissionError `submission/bad-recipient` with the reason in words, without the address itself
 */
export const recipientAddress = (text: string): string => {
  const result = parseAddress(text);
  if (result.kind === 'address') return result.address;
  throw new SubmissionError('submission/bad-recipient', `a recipient's address can't be used: ${result.why}`);
};
