package com.alibaba.dashscope.aigc.generation;

import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import com.alibaba.dashscope.protocol.HttpClient;
import com.alibaba.dashscope.protocol.WebsocketClient;
import com.google.gson.JsonObject;
import io.reactivex.Flowable;
import io.reactivex.functions.Consumer;
import java.util.ArrayList;
import java.util.List;

public final class Generation {
  private static final String PATH = "/services/aigc/text-generation/generation";
  private final WebsocketClient websocket;

  public Generation() {
    this("http");
  }

  public Generation(String protocol) {
    websocket = protocol.equals("websocket") ? new WebsocketClient() : null;
  }

  public GenerationResult call(GenerationParam param)
      throws NoApiKeyException, InputRequiredException {
    if (websocket == null) {
      JsonObject body = HttpClient.post(PATH, param.apiKey(), param.body(false));
      return GenerationResult.read(body, body.get("request_id").getAsString());
    }
    List<GenerationResult> results = new ArrayList<>();
    websocket.run("none", param.apiKey(), param.body(false, task()), results::add);
    if (results.size() != 1) { // RxJava's blockingSingle
      throw new IllegalArgumentException(results.size() + " elements instead of one");
    }
    return results.get(0);
  }

  public Flowable<GenerationResult> streamCall(GenerationParam param)
      throws NoApiKeyException, InputRequiredException {
    boolean accumulated = param.accumulated(true);
    JsonObject body = websocket == null ? param.body(true) : param.body(true, task());
    String apiKey = param.apiKey();
    return new Flowable<>(
        onNext -> {
          Accumulation whole = new Accumulation();
          Consumer<GenerationResult> read =
              result -> onNext.accept(accumulated ? whole.with(result) : result);
          if (websocket == null) {
            HttpClient.stream(PATH, apiKey, body, accumulated, read);
          } else {
            websocket.run("out", apiKey, body, read);
          }
        });
  }

  private static JsonObject task() {
    JsonObject task = new JsonObject();
    task.addProperty("task_group", "aigc");
    task.addProperty("task", "text-generation");
    task.addProperty("function", "generation");
    return task;
  }
}
