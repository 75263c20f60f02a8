// usage: node duckdb.mjs VARIANT IN OUT
import { createRequire } from "node:module";
const require = createRequire(process.env.PEERS + "/");
const { DuckDBInstance } = require("@duckdb/node-api");
const [variant, input, output] = process.argv.slice(2);
const text = `read_csv('${input}', header=true, columns={'symbol':'VARCHAR','timestamp':'VARCHAR','price':'VARCHAR'}, quote='', escape='')`;
const typed = `read_csv('${input}', header=true, columns={'symbol':'VARCHAR','timestamp':'TIMESTAMP','price':'DOUBLE'})`;
const num = `read_csv('${input}', header=true, columns={'symbol':'VARCHAR','timestamp':'VARCHAR','price':'DOUBLE'}, quote='', escape='')`;
const sql = {
  "last-argmax-text": `COPY (SELECT symbol, timestamp, arg_max(price, rn) FROM (SELECT *, row_number() OVER () rn FROM ${text}) GROUP BY symbol, timestamp) TO '${output}' (HEADER)`,
  "last-argmax-typed": `COPY (SELECT symbol, timestamp, arg_max(price, rn) FROM (SELECT *, row_number() OVER () rn FROM ${typed}) GROUP BY symbol, timestamp) TO '${output}' (HEADER)`,
  "last-argmax-typed-unordered": `SET preserve_insertion_order=false; COPY (SELECT symbol, timestamp, arg_max(price, rn) FROM (SELECT *, row_number() OVER () rn FROM ${typed}) GROUP BY symbol, timestamp) TO '${output}' (HEADER)`,
  "last-qualify-text": `COPY (SELECT symbol, timestamp, price FROM (SELECT *, row_number() OVER () rn FROM ${text}) QUALIFY row_number() OVER (PARTITION BY symbol, timestamp ORDER BY rn DESC) = 1) TO '${output}' (HEADER)`,
  "last-anti-text": `CREATE TEMP TABLE t AS SELECT *, row_number() OVER () rn FROM ${text}; COPY (SELECT symbol, timestamp, price FROM t ANTI JOIN (SELECT symbol, timestamp, max(rn) m FROM t GROUP BY ALL HAVING count(*)>1) d ON t.symbol=d.symbol AND t.timestamp=d.timestamp AND t.rn<d.m) TO '${output}' (HEADER)`,
  "count-num": `COPY (SELECT symbol, timestamp, count(*) AS occurrences, max(price)-min(price) AS price_shift FROM ${num} GROUP BY symbol, timestamp HAVING count(*) > 1) TO '${output}' (HEADER)`,
  "count-typed": `COPY (SELECT symbol, timestamp, count(*) AS occurrences, max(price)-min(price) AS price_shift FROM ${typed} GROUP BY symbol, timestamp HAVING count(*) > 1) TO '${output}' (HEADER)`,
}[variant];
const c = await (await DuckDBInstance.create(":memory:")).connect();
await c.run(sql);
