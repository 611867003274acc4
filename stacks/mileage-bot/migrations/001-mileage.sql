create table guild_config (
  guild_id text primary key check (guild_id ~ '^[0-9]{1,20}$'),
  name text not null,
  unit text not null default 'km' check (unit in ('km', 'mi')),
  rate_cents integer not null default 30 check (rate_cents between 0 and 10000),
  currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
  dailies_enabled boolean not null default false,
  dailies_hour integer not null default 7 check (dailies_hour between 0 and 23),
  dailies_channel_id text check (dailies_channel_id ~ '^[0-9]{1,20}$'),
  version integer not null default 1,
  updated_at timestamptz not null default now(),
  updated_by text not null default 'bot'
);

create table mileage_entries (
  id bigint generated always as identity primary key,
  guild_id text not null,
  driver_id text not null,
  driver_name text not null,
  distance_m integer not null check (distance_m between 1 and 5000000),
  driven_on date not null,
  note text not null default '' check (length(note) <= 200),
  source text not null check (source in ('slash', 'api')),
  idempotency_key text not null,
  accepted_at timestamptz not null,
  stored_at timestamptz not null default now(),
  edited_at timestamptz,
  edited_by text,
  unique (guild_id, idempotency_key)
);
create index mileage_entries_list on mileage_entries (guild_id, id desc);
create index mileage_entries_month on mileage_entries (guild_id, driver_id, driven_on);

create table sessions (
  token_hash bytea primary key,
  user_id text not null,
  user_name text not null,
  guild_ids text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index sessions_expiry on sessions (expires_at);
