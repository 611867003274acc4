import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createApi } from "./api.ts";
import { App } from "./app.tsx";
import "./style.css";

const root = document.getElementById("root");
if (!root) throw new Error("the page has no #root");

const answer = await fetch("/config.json");
if (!answer.ok) throw new Error(`config.json answered ${answer.status}`);
const config: { apiUrl: string; version: string } = await answer.json();

createRoot(root).render(
  <StrictMode>
    <App api={createApi(config.apiUrl)} version={config.version} />
  </StrictMode>,
);
