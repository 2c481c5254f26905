/** What pods do at the same time, on a Snowflake whose UPDATEs read their source as of before they waited for the table. */
import { describeSnowflake } from './support/conformance.js';

describeSnowflake('Snowflake with old sources', { oldSources: true, groups: ['claim', 'settle', 'concurrency'] });
