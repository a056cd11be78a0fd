package com.alibaba.dashscope.protocol;

import com.alibaba.dashscope.aigc.generation.GenerationResult;
import com.alibaba.dashscope.exception.ApiException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import com.alibaba.dashscope.utils.JsonUtils;
import com.google.gson.JsonObject;
import io.reactivex.functions.Consumer;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import okhttp3.Headers;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;

/**
 * The SDK's tasks over one websocket, one after another, with its habits: everything in one frame,
 * the connection kept, and nobody listening until the frame has been sent.
 */
public final class WebsocketClient extends WebSocketListener {
  private static final int FAILED = 44;
  private static final int ANSWER_SECONDS = 60;
  // Between sending and listening the SDK loses what arrives; seen with answers after 5 ms. Counted
  // by the clock and not slept, or a busy machine would lose what a quiet one hears.
  private static final long DEAF_NANOSECONDS = TimeUnit.MILLISECONDS.toNanos(25);

  private WebSocket socket;
  private CompletableFuture<Void> opened;
  private volatile boolean open;
  private volatile BlockingQueue<Object> listening;
  private volatile long sentAt;

  public synchronized void run(
      String streaming, String apiKey, JsonObject payload, Consumer<GenerationResult> onNext)
      throws NoApiKeyException {
    JsonObject header = new JsonObject();
    header.addProperty("action", "run-task");
    header.addProperty("task_id", UUID.randomUUID().toString());
    header.addProperty("streaming", streaming);
    JsonObject frame = new JsonObject();
    frame.add("header", header);
    frame.add("payload", payload);
    try {
      if (!open) {
        connect(apiKey);
      }
      BlockingQueue<Object> messages = new LinkedBlockingQueue<>();
      listening = messages;
      sentAt = System.nanoTime();
      if (!socket.send(JsonUtils.toJson(frame))) {
        throw new IllegalStateException("the websocket is closed");
      }
      while (read(messages.poll(ANSWER_SECONDS, TimeUnit.SECONDS), onNext)) {}
    } catch (RuntimeException error) {
      throw error;
    } catch (Exception error) {
      throw new ApiException(FAILED, "ConnectionError", String.valueOf(error.getMessage()), "");
    } finally {
      listening = null;
    }
  }

  /** Pass on what a message holds; false when it ends the task. */
  private static boolean read(Object message, Consumer<GenerationResult> onNext) throws Exception {
    if (message == null) {
      throw new IllegalStateException("the call hangs: what came before it listened is lost");
    }
    if (message instanceof Throwable) {
      throw new IllegalStateException((Throwable) message);
    }
    Frame frame = JsonUtils.fromJson((String) message, Frame.class);
    boolean filled = frame.payload.has("output") || frame.payload.has("usage");
    switch (frame.header.event) {
      case "task-started":
      case "task-finished":
        if (filled) {
          onNext.accept(GenerationResult.read(frame.payload, frame.header.taskId));
        }
        return frame.header.event.equals("task-started");
      case "result-generated":
        onNext.accept(GenerationResult.read(frame.payload, frame.header.taskId));
        return true;
      case "task-failed":
        throw new ApiException(
            FAILED, frame.header.code, frame.header.message, frame.header.taskId);
      default:
        throw new ApiException(FAILED, "UnknownMessage", (String) message, frame.header.taskId);
    }
  }

  private void connect(String apiKey) throws Exception {
    Map<String, String> headers = HttpClient.headers(apiKey, null);
    String url = System.getenv("DASHSCOPE_WEBSOCKET_BASE_URL");
    opened = new CompletableFuture<>();
    Request request = new Request.Builder().url(url).headers(Headers.of(headers)).build();
    socket = HttpClient.OKHTTP.newWebSocket(request, this);
    opened.get(ANSWER_SECONDS, TimeUnit.SECONDS);
  }

  @Override
  public void onOpen(WebSocket webSocket, Response response) {
    open = true;
    opened.complete(null);
  }

  @Override
  public void onMessage(WebSocket webSocket, String text) {
    tell(text);
  }

  @Override
  public void onFailure(WebSocket webSocket, Throwable error, Response response) {
    open = false;
    opened.completeExceptionally(error);
    tell(error);
  }

  @Override
  public void onClosing(WebSocket webSocket, int code, String reason) {
    open = false;
    webSocket.close(code, null);
    tell(new IllegalStateException("closed: " + code + " " + reason));
  }

  private void tell(Object message) {
    BlockingQueue<Object> listener = listening;
    if (listener != null && System.nanoTime() - sentAt > DEAF_NANOSECONDS) {
      listener.add(message);
    }
  }
}
