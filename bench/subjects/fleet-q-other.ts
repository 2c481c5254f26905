/** Another build of FLEET-Q: that of the checkout which BENCH_AGAINST names. */
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Main from 'fleet-q';
import type * as Sqlite from 'fleet-q/sqlite';
import type { Place } from '../support/places.js';
import { subjectOf } from './fleet-q.js';
import type { Subject } from './subject.js';

const load = async <T>(file: string): Promise<T> => {
  const folder = process.env['BENCH_AGAINST'];
  if (folder === undefined) throw new Error('BENCH_AGAINST: expected a checkout that has been built');
  return (await import(pathToFileURL(path.resolve(folder, 'dist', file)).href)) as T;
};

export async function open(place: Place): Promise<Subject> {
  const { FleetQ } = await load<typeof Main>('index.js');
  const { sqlite } = await load<typeof Sqlite>('sqlite.js');
  return subjectOf(place, { FleetQ, sqlite });
}
