/** A model of the exchange in plain code, row by row, to compare the statement with. */

export interface ModelRow {
  readonly id: string;
  readonly row: string;
  readonly type: string;
  readonly priority: number;
  /** When it was submitted, and its place in that submission. */
  readonly made: number;
  readonly nth: number;
  status: string;
  /** Due: a rank in the past, or {@link LATER}. */
  at: number;
  retries: number;
  crashes: number;
  version: number;
  token: string | null;
  holder: string | null;
  settledToken: string | null;
  settledVersion: number | null;
  settledBy: string | null;
}

export interface ModelSettlement {
  readonly id: string;
  readonly token: string;
  readonly version: number;
  readonly status: string;
  readonly charge: number;
  readonly crash: number;
  readonly delayMs?: number;
}

export interface ModelRequest {
  readonly token: string;
  readonly pod: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly group: string;
  readonly free: number;
  readonly prefetch: number;
  readonly quarantine: number;
  readonly limits: Readonly<Record<string, number>>;
  readonly settlements: readonly ModelSettlement[];
}

/** Due some day. */
export const LATER = 1e12;

interface Candidate {
  readonly first: ModelRow;
  readonly priority: number;
  readonly at: number;
  readonly crashes: number;
  readonly retries: number;
}

const sum = <T>(all: readonly T[], of: (one: T) => number): number => all.reduce((total, one) => total + of(one), 0);
const least = (a: string, b: string): number => (a < b ? -1 : 1);

/**
 * Changes the rows as one UPDATE does; answers how many it wrote: with each that changes also the other rows of its step.
 *
 * @param now where what is due at once stands among the ranks
 * @param skip how many of the first candidates are passed over, if enough are left
 */
export function exchange(
  rows: readonly ModelRow[],
  logged: readonly ModelRequest[],
  own: ModelRequest | undefined,
  group: string,
  gone: ReadonlySet<string>,
  now: number,
  skip = 0,
): number {
  const asked = own === undefined ? logged : [...logged, own];
  const requests = newestOf(asked);
  const settled = settlementsOf(rows, requests);
  const claimed = claimsOf(rows, requests, asked, group, gone, now, skip); // both from the rows as they were
  for (const [row, settlement, by] of settled) settle(row, settlement, by, now);
  for (const [{ first, retries, crashes }, request] of claimed) {
    const version = first.version + 1;
    Object.assign(first, {
      status: 'claimed',
      token: request.token,
      holder: request.incarnation,
      version,
      retries,
      crashes,
    });
  }
  const changed = new Set([...settled.map(([{ id }]) => id), ...claimed.map(([{ first }]) => first.id)]);
  return rows.filter(({ id }) => changed.has(id)).length;
}

function newestOf(asked: readonly ModelRequest[]): ModelRequest[] {
  const newest = new Map<string, ModelRequest>();
  for (const request of asked) {
    const known = newest.get(request.incarnation);
    if (known === undefined || request.seq > known.seq) newest.set(request.incarnation, request);
  }
  return [...newest.values()];
}

/** One for each step. */
function settlementsOf(
  rows: readonly ModelRow[],
  requests: readonly ModelRequest[],
): [ModelRow, ModelSettlement, string][] {
  const all = requests.flatMap((request) =>
    request.settlements.flatMap((one): [ModelRow, ModelSettlement, string][] => {
      const row = rows.find(
        ({ id, status, token, version }) =>
          id === one.id && status === 'claimed' && token === one.token && version === one.version,
      );
      return row === undefined ? [] : [[row, one, request.incarnation]];
    }),
  );
  all.sort(([a, , by], [b, , other]) => (a.row === b.row ? least(by, other) : least(a.row, b.row)));
  return all.filter(([row], i) => all.findIndex(([other]) => other.id === row.id) === i);
}

function settle(row: ModelRow, one: ModelSettlement, by: string, now: number): void {
  Object.assign(row, {
    settledToken: one.token,
    settledVersion: one.version,
    settledBy: by,
    status: one.status,
    token: null,
  });
  row.version++;
  row.retries += one.charge;
  row.crashes += one.crash;
  if (one.status !== 'pending') return;
  row.holder = null;
  if (one.delayMs !== undefined) row.at = one.delayMs > 0 ? LATER : now;
}

function candidates(rows: readonly ModelRow[], now: number): Candidate[] {
  const steps = new Map<string, ModelRow[]>();
  for (const row of rows) steps.set(row.id, [...(steps.get(row.id) ?? []), row]);
  return [...steps.values()]
    .filter((all) => all.every(({ status }) => status === 'pending'))
    .map((all) => ({
      first: [...all].sort((a, b) => least(a.row, b.row))[0]!,
      priority: Math.max(...all.map((row) => row.priority)),
      at: Math.max(...all.map((row) => row.at)),
      crashes: Math.max(...all.map((row) => row.crashes)),
      retries: Math.max(...all.map((row) => row.retries)),
    }))
    .filter(({ at }) => at <= now)
    .sort(
      (a, b) =>
        b.priority - a.priority ||
        a.at - b.at ||
        a.first.made - b.first.made ||
        a.first.nth - b.first.nth ||
        least(a.first.id, b.first.id),
    );
}

/** The request with no more seats than the limits of its types allow together. */
function withUsableSeats(request: ModelRequest): ModelRequest {
  const usable = sum(Object.values(request.limits), (most) => most);
  const free = Math.min(request.free, usable);
  return { ...request, free, prefetch: Math.min(request.prefetch, usable - free) };
}

function claimsOf(
  rows: readonly ModelRow[],
  requests: readonly ModelRequest[],
  asked: readonly ModelRequest[],
  group: string,
  gone: ReadonlySet<string>,
  now: number,
  skip: number,
): [Candidate, ModelRequest][] {
  const used = new Set(rows.flatMap(({ token, settledToken }) => [token, settledToken]));
  const breadth = ({ limits, quarantine }: ModelRequest): number => Object.keys(limits).length + quarantine;
  const wanting = requests
    .filter((one) => one.group === group && !used.has(one.token) && !gone.has(one.incarnation))
    .filter(({ limits }) => Object.keys(limits).length > 0)
    .sort((a, b) => breadth(b) - breadth(a) || asked.indexOf(a) - asked.indexOf(b))
    .map(withUsableSeats);
  const tally = new Map<string, number>();
  const count = (key: string): number => tally.set(key, (tally.get(key) ?? 0) + 1).get(key)!;
  const open = candidates(rows, now).filter(({ first: { type }, crashes }) => {
    const takers = wanting.filter(({ limits }) => (limits[type] ?? 0) > 0);
    const most =
      sum(takers, ({ limits, quarantine }) => (crashes > 1 ? quarantine : limits[type]!)) + (crashes > 1 ? 0 : skip);
    return takers.length > 0 && count(`${type} ${crashes > 1}`) <= most;
  });
  const seated = sum(wanting, ({ free, prefetch }) => free + prefetch);
  const ranked = open.slice(Math.min(skip, Math.max(0, open.length - seated)));
  const share = Math.ceil(Math.max(0, ranked.length - sum(wanting, ({ free }) => free)) / wanting.length);
  const seats = [
    ...wanting.flatMap((request) => Array.from({ length: request.free }, () => ({ request, ahead: false }))),
    ...wanting.flatMap((request) =>
      Array.from({ length: Math.min(request.prefetch, share) }, () => ({ request, ahead: true })),
    ),
  ];
  return ranked.flatMap((step, rank): [Candidate, ModelRequest][] => {
    const seat = seats[rank];
    if (seat === undefined) return [];
    const { request, ahead } = seat;
    const limit = request.limits[step.first.type] ?? 0;
    if (limit === 0 || (ahead && step.crashes > 0) || (step.crashes > 1 && request.quarantine === 0)) return [];
    const ofType = count(`${request.token} ${step.first.type}`);
    const struck = step.crashes > 1 ? count(`${request.token} struck`) : 0;
    return ofType > limit || struck > 1 ? [] : [[step, request]];
  });
}
