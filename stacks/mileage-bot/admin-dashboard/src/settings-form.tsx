import { type FormEvent, useState } from "react";
import { ask, type GuildConfig, type GuildSettings, signInLink } from "./api.ts";
import { failureOf } from "./use-data.ts";

type Props = { config: GuildConfig; onSaved: () => Promise<void> };
type Outcome = { state: "idle" | "saving" | "signed-out" } | { state: "failed"; message: string };

export function SettingsForm({ config, onSaved }: Props) {
  const [outcome, setOutcome] = useState<Outcome>({ state: "idle" });
  const save = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    setOutcome({ state: "saving" });
    try {
      const settings = readForm(new FormData(event.currentTarget));
      await ask(`/api/guilds/${config.guildId}/config`, "PUT", { version: config.version, settings });
      setOutcome({ state: "idle" });
      await onSaved();
    } catch (error) {
      setOutcome(failureOf(error));
    }
  };
  return (
    <form onSubmit={(event) => void save(event)} aria-label="Settings">
      <h2>Settings</h2>
      <label>
        Unit
        <select name="unit" defaultValue={config.unit}>
          <option value="km">kilometres</option>
          <option value="mi">miles</option>
        </select>
      </label>
      <label>
        Rate for each unit, in cents
        <input name="rateCents" type="number" min={0} max={10000} required defaultValue={config.rateCents} />
      </label>
      <label>
        Currency
        <input name="currency" pattern="[A-Z]{3}" required defaultValue={config.currency} />
      </label>
      <label className="check">
        <input name="dailiesEnabled" type="checkbox" defaultChecked={config.dailiesEnabled} />
        Post yesterday's mileage every day
      </label>
      <label>
        Hour of the daily post (UTC)
        <input name="dailiesHour" type="number" min={0} max={23} required defaultValue={config.dailiesHour} />
      </label>
      <label>
        Channel of the daily post (id)
        <input name="dailiesChannelId" pattern="\d{1,20}" defaultValue={config.dailiesChannelId ?? ""} />
      </label>
      <button type="submit" disabled={outcome.state === "saving"}>
        Save
      </button>
      <output>
        Version {config.version}, last saved by {config.updatedBy}
      </output>
      {outcome.state === "failed" && <p role="alert">{outcome.message}</p>}
      {outcome.state === "signed-out" && (
        <p role="alert">
          Your session has ended. <a href={signInLink()}>Sign in with Discord</a> to come back here.
        </p>
      )}
    </form>
  );
}

function readForm(form: FormData): GuildSettings {
  const channel = String(form.get("dailiesChannelId") ?? "").trim();
  return {
    unit: form.get("unit") === "mi" ? "mi" : "km",
    rateCents: Number(form.get("rateCents")),
    currency: String(form.get("currency") ?? ""),
    dailiesEnabled: form.get("dailiesEnabled") !== null,
    dailiesHour: Number(form.get("dailiesHour")),
    dailiesChannelId: channel === "" ? null : channel,
  };
}
