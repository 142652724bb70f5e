import { readDigest, readUnsigned, unsignedDocument } from '../route/document.js';

/** Somebody asks for the newest list. Nobody signs it: who asks stays unknown, and the answer goes to the mail's author. */
export interface Request {
  /** Digest of the list they have; undefined: none. */
  readonly have: string | undefined;
}

const largestRequestCharacters = 4096;

/** `mixmailer-request 1`, `have <digest>` (not for who has none), `end mixmailer-request`. */
export const formatRequest = ({ have }: Request): string =>
  unsignedDocument('request', have === undefined ? [] : [`have ${have}`]);

/** @throws RouteError `route/bad-document` */
export const readRequest = (text: string): Request => {
  const fields = readUnsigned('request', text, largestRequestCharacters);
  return { have: fields.optional('have') && fields.one('have', '64 lower-case hex digits', readDigest) };
};
