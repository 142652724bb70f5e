import { createTransport } from 'nodemailer';

/** An SMTP server of this machine, and what it wants to know. */
export interface Door {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** Hands a finished mail in, as any mail program does. Rejects when the server refuses. @returns what the server said */
export const handIn = async (
  { port, user, password }: Door,
  { from, to, raw }: { readonly from: string; readonly to: string; readonly raw: string },
): Promise<string> => {
  const auth = { user, pass: password };
  const transport = createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true, auth });
  try {
    const { response } = await transport.sendMail({ raw, envelope: { from, to: [to] } });
    return response;
  } finally {
    transport.close();
  }
};
