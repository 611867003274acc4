-- One row for each guild and day: whoever inserts it may post, nobody else.
create table dailies_runs (
  guild_id text not null,
  day date not null,
  state text not null check (state in ('claimed', 'posted')),
  claimed_until timestamptz not null,
  attempts integer not null default 1,
  message_id text,
  posted_at timestamptz,
  primary key (guild_id, day)
);
