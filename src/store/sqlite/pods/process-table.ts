/**
 * The processes of this host: how a pod's process is named, and when it has provably exited.
 *
 * Invariants:
 * - `true` is a proof and stays true. Where anything is unknown the answer is `false`, and silence decides.
 * - A pid is compared only within one boot and one PID namespace, and together with the start time of its process, so
 *   that another process under the same pid is not taken for the old one.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { asError } from '../../../errors.js';
import { bootId, timeNamespace } from '../clock/boot-id.js';

/** What names a process for good. */
export interface ProcessMark {
  /** Where `pid` and `startedAt` mean anything: one boot of one host, and its namespaces. */
  readonly namespace: string;
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly startedAt: number;
}

/** What runs under a pid. `ended`: it has exited, and its parent has not collected its exit status yet (a zombie). */
export type Sighting = 'none' | 'unknown' | { readonly startedAt: number; readonly ended: boolean };

/** The system's table of processes. */
export interface ProcessTable {
  /** This process; `undefined` where the platform gives no proof of exit. */
  self(): ProcessMark | undefined;
  /** What runs under a pid in the namespace of this process. */
  look(pid: number): Sighting;
}

/** Whether the process has exited, as far as `self` can prove it. */
export function hasExited(mark: ProcessMark, self: ProcessMark, table: Pick<ProcessTable, 'look'>): boolean {
  if (mark.namespace !== self.namespace) return false;
  if (mark.pid === self.pid) return mark.startedAt !== self.startedAt;
  const seen = table.look(mark.pid);
  if (typeof seen === 'string') return seen === 'none';
  return seen.ended || seen.startedAt !== mark.startedAt;
}

/** Proves nothing: for files that processes of other hosts may have open. */
export const NO_PROOF: ProcessTable = { self: () => undefined, look: () => 'unknown' };

/** Linux, by `/proc`. Elsewhere no process knows its boot or its start time, so nothing is proved. */
export const systemProcesses: ProcessTable = {
  // Read anew each time: a process that was checkpointed and restored has another start time.
  self() {
    const namespace = ownNamespace();
    const seen = statOf('self');
    if (namespace === undefined || seen === undefined) return undefined;
    return { namespace, pid: process.pid, startedAt: seen.startedAt };
  },

  look(pid) {
    // Asks the kernel, not /proc: with `hidepid` a file that is missing there proves nothing.
    if (isAbsent(pid)) return 'none';
    return statOf(pid) ?? 'unknown';
  },
};

/**
 * `undefined` unless /proc shows the PID namespace of this process. In a container that sees the /proc of its host, the
 * same number is another process there. The time namespace belongs to it, since start times are shown shifted by it.
 */
function ownNamespace(): string | undefined {
  try {
    const pids = /^NSpid:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
    const boot = bootId();
    if (boot === '' || pids !== String(process.pid)) return undefined;
    return `${boot} ${readlinkSync('/proc/self/ns/pid')} ${timeNamespace()}`.trimEnd();
  } catch {
    return undefined;
  }
}

function isAbsent(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (asError(error) as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function statOf(pid: number | 'self'): Exclude<Sighting, string> | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Reads a line of `/proc/<pid>/stat`. The name in parentheses may hold spaces and parentheses of its own. */
export function parseStat(line: string): Exclude<Sighting, string> | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' '); // from the third on
  const [state = ''] = fields;
  const threads = Number(fields[17]);
  const startedAt = Number(fields[19]);
  if (!Number.isSafeInteger(startedAt) || startedAt <= 0 || !Number.isSafeInteger(threads)) return undefined;
  // The first thread may end before the others; as long as one is left, the process is not over.
  return { startedAt, ended: (state === 'Z' || state === 'X') && threads <= 1 };
}
