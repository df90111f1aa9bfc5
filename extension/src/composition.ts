/** Builds every service of a window once, in order; all of them live until the extension is deactivated. */
import * as vscode from 'vscode';
import { registerChat } from './features/chat/chatFeature.ts';
import { registerCompletion } from './features/completion/completionFeature.ts';
import { registerEngineCommands } from './features/commands/engineCommands.ts';
import { registerMemory } from './features/memory/memoryFeature.ts';
import { registerModels } from './features/models/modelsFeature.ts';
import { registerStatus } from './features/status/statusFeature.ts';
import { ChatClient, type ChatRequestSettings } from './platform/engine/chatClient.ts';
import { EngineService } from './platform/engine/engineService.ts';
import type { HostProgram } from './platform/engine/hostLauncher.ts';
import { zellHome } from './platform/engine/zellHome.ts';
import { createLog } from './platform/log.ts';
import { SelectionService } from './platform/selection.ts';
import { chatSettings, configuredHome, memoryAllowed, prefixDiskMegabytes, throttleWish } from './platform/settings.ts';
import { workspaceId } from './platform/workspace.ts';

export function compose(context: vscode.ExtensionContext): void {
  const log = createLog();
  const program = (): HostProgram => ({
    executable: process.execPath,
    script: vscode.Uri.joinPath(context.extensionUri, 'dist', 'host.mjs').fsPath,
    home: zellHome(configuredHome()),
    version: (context.extension.packageJSON as { version: string }).version,
    prefixDiskMegabytes: prefixDiskMegabytes(),
    throttle: throttleWish(),
  });
  const engine = new EngineService(program, log);
  const client = new ChatClient((signal) => engine.address(signal), chatRequestSettings);
  const selection = new SelectionService();
  context.subscriptions.push(
    log,
    selection,
    registerStatus(engine),
    registerEngineCommands(engine, log),
    registerCompletion(engine, log),
    registerChat({ context, engine, client, selection, log }),
    registerMemory({ context, engine, client, selection, log }),
    registerModels(engine),
    // Last: what is disposed first may still talk to the engine.
    engine,
  );
  engine.start();
}

function chatRequestSettings(): ChatRequestSettings {
  const workspace = workspaceId();
  const { maxTokens, temperature } = chatSettings();
  return {
    maxTokens,
    temperature,
    remember: memoryAllowed(),
    ...(workspace === undefined ? {} : { workspace }),
  };
}
