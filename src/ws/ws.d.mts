// The types of "wsframe/ws" for import: the same classes as for require(). As in @types/ws, `Server` is only a type here.

import WebSocket = require("./ws.cjs");

export default WebSocket;
export { WebSocket };
export import WebSocketServer = WebSocket.WebSocketServer;
export import Receiver = WebSocket.Receiver;
export import Sender = WebSocket.Sender;
export import PerMessageDeflate = WebSocket.PerMessageDeflate;
export import extension = WebSocket.extension;
export import subprotocol = WebSocket.subprotocol;
export import createWebSocketStream = WebSocket.createWebSocketStream;

export import AddressInfo = WebSocket.AddressInfo;
export import CertMeta = WebSocket.CertMeta;
export import ClientOptions = WebSocket.ClientOptions;
export import CloseEvent = WebSocket.CloseEvent;
export import ConnectionOptions = WebSocket.ConnectionOptions;
export import Data = WebSocket.Data;
export import DeflateParameters = WebSocket.DeflateParameters;
export import ErrorEvent = WebSocket.ErrorEvent;
export import Event = WebSocket.Event;
export import EventListenerOptions = WebSocket.EventListenerOptions;
export import ExtensionParameters = WebSocket.ExtensionParameters;
export import FinishRequestCallback = WebSocket.FinishRequestCallback;
export import FrameOptions = WebSocket.FrameOptions;
export import Handler = WebSocket.Handler;
export import MessageEvent = WebSocket.MessageEvent;
export import PerMessageDeflateOptions = WebSocket.PerMessageDeflateOptions;
export import RawData = WebSocket.RawData;
export import ReceiverOptions = WebSocket.ReceiverOptions;
export import Sendable = WebSocket.Sendable;
export import SendOptions = WebSocket.SendOptions;
export import ServerEvents = WebSocket.ServerEvents;
export import ServerOptions = WebSocket.ServerOptions;
export import ServerSideOptions = WebSocket.ServerSideOptions;
export import SocketEvents = WebSocket.SocketEvents;
export import VerifyClientCallbackAsync = WebSocket.VerifyClientCallbackAsync;
export import VerifyClientCallbackSync = WebSocket.VerifyClientCallbackSync;
export import VerifyClientInfo = WebSocket.VerifyClientInfo;
export import WebSocketEventMap = WebSocket.WebSocketEventMap;
import Server = WebSocket.Server;
export type { Server };
