import { expect, it } from 'vitest';
import { HistoryBuilder } from '../checker/cases/history-builder.js';
import { traceText } from './trace-text.js';

const INCARNATION = '01b8dac5-cad2-7009-9769-3c6fe4031c54';
const OTHER = '01b8dac5-cad2-7009-9769-3c6fe4031c55';

function written(incarnation: string): string {
  const h = new HistoryBuilder().pod('p1').submitted('s1', { rowId: '1' }).after(5.25);
  h.claimed('s1', 'p1', { claimToken: `alone-${OTHER}`, claimedIncarnation: incarnation });
  h.fault('freeze', 'p1', 300).began('s1', 'p1').after(10).retrying('s1', 'p1').calm();
  h.member('p1', 'left').cancelled('s1').archived('s1');
  return traceText(h.finished({ timersLeft: { p1: 2 } }).entries);
}

it('writes a line for each entry, with its place and its time', () => {
  const lines = written(INCARNATION).split('\n');
  expect(lines.slice(8, 17)).toEqual([
    '    8        5.250 row s1 1 pending v0 → claimed v1 token alone-1 of id-2',
    '    9        5.250 event p1 step:claimed s1 attempt=1',
    '   10        5.250 fault freeze p1 until 305.25',
    '   11        5.250 event p1 step:started s1 attempt=1',
    '   12        5.250 began run 4 p1 s1 attempt 1',
    '   13       15.250 ended run 4 threw',
    '   14       15.250 row s1 1 claimed v1 → pending v2 retries 1 of id-2 settled by p1-life-1 Error',
    '   15       15.250 event p1 step:retrying s1 attempt=1',
    '   16       15.250 calm',
  ]);
  expect(lines).toContain('   23       15.250 row s1 1 cancelled v3 → (removed)');
  expect(lines).toContain('          2 timers of p1 are left');
});

it('is the same for histories that differ in their random ids alone', () => {
  expect(written(INCARNATION)).toBe(written(INCARNATION.replaceAll('7', '6')));
});
