import { randomBytes } from "node:crypto";
import pg from "pg";
import { connect } from "../src/database/connect.ts";

/** An empty database on the server that DATABASE_URL names, and how to drop it again. */
export async function freshDatabase() {
  const server = process.env["DATABASE_URL"];
  if (!server) throw new Error("DATABASE_URL: say which PostgreSQL server the tests may create databases on");
  const name = `lila_test_${randomBytes(6).toString("hex")}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`create database ${name}`);
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  const { pool, db } = connect(url, 8);
  const drop = async () => {
    await pool.end();
    await admin.query(`drop database ${name}`);
    await admin.end();
  };
  return { url, pool, db, drop };
}
