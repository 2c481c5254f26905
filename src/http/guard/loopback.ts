/**
 * Says which addresses and names are this machine's own, and refuses to open a server without `auth` on any other.
 *
 * Invariants:
 * - The server listens at the address that was checked, never at a name that could resolve to another one later.
 */
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { ValidationError } from '../../index.js';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether a packet to or from this IP address stays on this machine. An IPv4 address may be mapped into IPv6. */
export function isLoopbackAddress(address: string | undefined): boolean {
  const version = address === undefined ? 0 : isIP(address);
  if (address === undefined || version === 0 || address.includes('%')) return false;
  return LOOPBACK.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Whether the host of a URL (`localhost`, `127.0.0.1`, `[::1]`) is this machine in every resolver. */
export function isLoopbackHost(hostname: string): boolean {
  const name = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isLoopbackAddress(name);
}

/**
 * The address at which the server listens.
 *
 * @param isProtected whether the server has `auth`
 * @param resolve the addresses of a name
 * @throws ValidationError `OPTION_INVALID`, naming `host`: it is no host, it does not resolve, or it can be reached from
 * other machines while there is no `auth`
 */
export async function addressToBind(host: unknown, isProtected: boolean, resolve = addressesOf): Promise<string> {
  if (typeof host !== 'string' || host === '') refuse('expected an address or a name to listen at', host);
  const addresses = isIP(host) === 0 ? await resolved(host, resolve) : [host];
  const [first] = addresses;
  if (first === undefined) refuse('expected a name that resolves to an address', host);
  if (!isProtected && !addresses.every(isLoopbackAddress))
    refuse(
      'without `auth` the server listens on this machine only (127.0.0.1, ::1 or localhost); set a token or a function as `auth`, or FLEET_Q_API_TOKEN, to listen elsewhere',
      host,
    );
  return first;
}

async function addressesOf(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, verbatim: false })).map(({ address }) => address);
}

async function resolved(name: string, resolve: typeof addressesOf): Promise<readonly string[]> {
  try {
    return await resolve(name);
  } catch (error) {
    refuse('expected a name that resolves to an address', name, error);
  }
}

function refuse(problem: string, host: unknown, cause?: unknown): never {
  const text = typeof host === 'string' ? JSON.stringify(host.slice(0, 80)) : typeof host;
  throw new ValidationError('OPTION_INVALID', 'host', `${problem}, got ${text}`, { cause });
}
