/** The result of a run, for people. */
import type { Plan, WorldName } from '../plan/plan.js';
import type { Failure } from './failures.js';
import type { Finding } from './judgement.js';
import { wordOf } from './plan-text.js';
import type { Shrunk } from './shrink.js';

/** The last line of the output with `--json`. */
export interface Summary {
  readonly world: WorldName | 'both';
  /** How many seeds were run in each world. */
  readonly seeds: number;
  readonly violations: number;
  readonly seconds: number;
}

const MOST_FINDINGS = 10;

export function summaryLine({ world, seeds, violations, seconds }: Summary): string {
  const found = violations === 0 ? 'no violation' : counted(violations, 'violation');
  return `${world}: ${counted(seeds, 'seed')}, ${found}, ${seconds.toFixed(1)} s`;
}

/** A failure with the shortest history that was found. */
export function failureText(world: WorldName, failure: Failure, shrunk?: Shrunk): string {
  const { rule, seed, seeds, findings } = failure;
  const others = new Set(findings.map((finding) => finding.rule).filter((other) => other !== rule));
  return [
    `${world}: seed ${seed} breaks the rule "${rule}" (${counted(seeds, 'seed')} did)`,
    ...findingLines(findings.filter((finding) => finding.rule === rule)),
    ...(others.size === 0 ? [] : [`  It also breaks: ${[...others].join('; ')}`]),
    `  To replay it: npm run sim -- --world ${world} --seed ${seed} --trace`,
    ...(shrunk === undefined ? [] : shrunkLines(shrunk)),
  ].join('\n');
}

export function findingLines(findings: readonly Finding[]): string[] {
  const lines = findings.slice(0, MOST_FINDINGS).map(({ rule, at, text }) => `  ${rule} at ${at} ms: ${text}`);
  const more = findings.length - lines.length;
  return more === 0 ? lines : [...lines, `  and ${more} more`];
}

function shrunkLines({ plan, tries }: Shrunk): string[] {
  return [
    `  The smallest plan of ${counted(tries, 'try', 'tries')} that breaks the same rule:`,
    ...planLines(plan).map((line) => `    ${line}`),
    `  To replay that: npm run sim -- --plan ${wordOf(plan)} --trace`,
  ];
}

function planLines({ pods, hazards, actions, calmAt }: Plan): string[] {
  const set = Object.entries(hazards).filter(([, value]) => value !== 0 && value !== false);
  return [
    ...pods.map((pod, index) => `pod ${index + 1}: ${words(pod)}`),
    `hazards: ${set.length === 0 ? 'none' : words(Object.fromEntries(set))}`,
    ...actions.map(({ at, do: verb, ...rest }) => `${at} ms: ${verb} ${words(rest)}`.trimEnd()),
    `${calmAt} ms: calm`,
  ];
}

/** `count=3 type=work` */
function words(fields: object): string {
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : String(value)}`)
    .join(' ');
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
