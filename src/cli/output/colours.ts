/** Colours, on a terminal only. `FORCE_COLOR` and `NO_COLOR` decide otherwise, in the way of Node.js. */
import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Formats text, or leaves it as it is. */
export type Paint = (format: Format, text: string) => string;

type Environment = Readonly<Record<string, string | undefined>>;

export function paintFor({ isTerminal }: { readonly isTerminal: boolean }, env: Environment): Paint {
  return hasColours(isTerminal, env) ? (format, text) => styleText(format, text, { validateStream: false }) : plain;
}

export const plain: Paint = (_, text) => text;

function hasColours(isTerminal: boolean, env: Environment): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  return isTerminal && env['TERM'] !== 'dumb';
}
