import { type Collection, MongoClient, MongoServerError } from "mongodb";
import type { DealDocument, DealEvent } from "../deals/fold-deal.ts";
import type { Settings } from "./settings.ts";

export type User = {
  _id: string;
  email: string;
  name: string;
  passwordHash: string | null;
  role: "member" | "arbiter";
  avatar: string | null;
  createdAt: Date;
};
export type PurchaseRequest = {
  _id: string;
  buyer: string;
  title: string;
  description: string;
  budgetCents: number;
  image: string | null;
  createdAt: Date;
};
export type Offer = {
  _id: string;
  request: string;
  seller: string;
  sellerName: string;
  cents: number;
  note: string;
  createdAt: Date;
};
/** One transfer that the payment gateway reported; the id makes a second report of it the same document. */
export type Transfer = { _id: string; deal: string; txid: string; cents: number; receivedAt: Date };
export type Message = {
  _id: string;
  deal: string;
  from: string;
  fromName: string;
  body: string;
  sentAt: Date;
};
export type StoredFile = {
  _id: string;
  kind: "avatars" | "products" | "evidence" | "documents";
  owner: string;
  deal: string | null;
  type: string;
  bytes: number;
  path: string;
  createdAt: Date;
};

export type Database = {
  client: MongoClient;
  users: Collection<User>;
  requests: Collection<PurchaseRequest>;
  offers: Collection<Offer>;
  deals: Collection<DealDocument>;
  dealEvents: Collection<DealEvent>;
  transfers: Collection<Transfer>;
  messages: Collection<Message>;
  files: Collection<StoredFile>;
};

/**
 * Every decision between competitors is the insertion of a document with an id of its own: the one operation that a
 * server without multi-document transactions, and without atomic conditional updates, still arbitrates.
 */
export async function openDatabase(settings: Settings): Promise<Database> {
  const client = new MongoClient(settings.MONGODB_URI, {
    maxPoolSize: 10,
    serverSelectionTimeoutMS: 5_000,
    socketTimeoutMS: 15_000,
  });
  await client.connect();
  const db = client.db(settings.MONGODB_DATABASE);
  const database: Database = {
    client,
    users: db.collection("users"),
    requests: db.collection("requests"),
    offers: db.collection("offers"),
    deals: db.collection("deals"),
    dealEvents: db.collection("dealEvents"),
    transfers: db.collection("transfers"),
    messages: db.collection("messages"),
    files: db.collection("files"),
  };
  await database.users.createIndex({ email: 1 }, { unique: true });
  await database.requests.createIndex({ createdAt: -1 });
  await database.offers.createIndex({ request: 1 });
  await database.dealEvents.createIndex({ deal: 1 });
  await database.dealEvents.createIndex({ beneficiary: 1 });
  await database.transfers.createIndex({ deal: 1 });
  await database.messages.createIndex({ deal: 1, sentAt: 1 });
  await database.files.createIndex({ deal: 1 });
  return database;
}

/** Inserts; false if a document of that id (or unique key) is there already. */
export async function insertOnce<T extends { _id: string }>(
  collection: Collection<T>,
  document: T,
): Promise<boolean> {
  try {
    await collection.insertOne(document as Parameters<Collection<T>["insertOne"]>[0]);
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && error.code === 11000) return false;
    throw error;
  }
}
