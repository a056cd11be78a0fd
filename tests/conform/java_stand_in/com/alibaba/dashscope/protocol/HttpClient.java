package com.alibaba.dashscope.protocol;

import com.alibaba.dashscope.Version;
import com.alibaba.dashscope.aigc.generation.GenerationResult;
import com.alibaba.dashscope.exception.ApiException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import com.alibaba.dashscope.utils.JsonUtils;
import com.google.gson.JsonObject;
import io.reactivex.functions.Consumer;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import okhttp3.Headers;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/** The SDK's requests over HTTP: its client's settings, its headers, its reading of answers. */
public final class HttpClient {
  static final OkHttpClient OKHTTP =
      new OkHttpClient.Builder()
          .connectTimeout(120, TimeUnit.SECONDS)
          .writeTimeout(60, TimeUnit.SECONDS)
          .readTimeout(300, TimeUnit.SECONDS)
          .protocols(Collections.singletonList(Protocol.HTTP_1_1))
          .build();

  private static final MediaType JSON = MediaType.parse("application/json; charset=utf-8");

  private HttpClient() {}

  public static JsonObject post(String path, String apiKey, JsonObject body)
      throws NoApiKeyException {
    Map<String, String> headers = headers(apiKey, null);
    headers.put("Content-Type", "application/json");
    headers.put("Accept", "application/json; charset=utf-8");
    try (Response response = OKHTTP.newCall(request(path, headers, body)).execute()) {
      if (!response.isSuccessful()) {
        throw refusal(response);
      }
      return JsonUtils.parse(response.body().string());
    } catch (IOException error) {
      throw new ApiException(-1, "network_error", String.valueOf(error.getMessage()), "");
    }
  }

  public static void stream(
      String path,
      String apiKey,
      JsonObject body,
      boolean accumulated,
      Consumer<GenerationResult> onNext)
      throws Exception {
    Map<String, String> headers = headers(apiKey, "incremental_to_full/" + (accumulated ? 1 : 0));
    headers.put("Content-Type", "application/json");
    headers.put("Cache-Control", "no-cache");
    headers.put("Accept", "text/event-stream");
    headers.put("X-Accel-Buffering", "no");
    headers.put("X-DashScope-SSE", "enable");
    try (Response response = OKHTTP.newCall(request(path, headers, body)).execute()) {
      if (!response.isSuccessful()) {
        throw refusal(response);
      }
      MediaType type = response.body().contentType();
      if (type == null || !type.type().equals("text") || !type.subtype().equals("event-stream")) {
        throw new ApiException(response.code(), "response_error", "Invalid content-type", "");
      }
      EventReader events = new EventReader(response.body().source());
      while (events.next()) {
        if ("error".equals(events.type())) {
          throw ApiException.read(400, events.data()); // whatever the event says of its status
        }
        if (events.type() == null && events.data().equals("[DONE]")) {
          return;
        }
        if (!"done".equals(events.type())) {
          JsonObject json = JsonUtils.parse(events.data());
          onNext.accept(GenerationResult.read(json, json.get("request_id").getAsString()));
        }
      }
    } catch (IOException error) {
      throw new ApiException(200, "response_error", "", "");
    }
  }

  /** Headers of every call; the user agent may end with a remark. */
  static Map<String, String> headers(String apiKey, String remark) throws NoApiKeyException {
    if (apiKey == null || apiKey.isEmpty()) {
      throw new NoApiKeyException();
    }
    String agent =
        String.format(
            "dashscope/%s; java/%s; platform/%s; processor/%s",
            Version.version,
            System.getProperty("java.version"),
            System.getProperty("os.name"),
            System.getProperty("os.arch"));
    Map<String, String> headers = new HashMap<>();
    headers.put("Authorization", "Bearer " + apiKey);
    headers.put("user-agent", remark == null ? agent : agent + "; " + remark);
    return headers;
  }

  private static Request request(String path, Map<String, String> headers, JsonObject body) {
    String base = System.getenv("DASHSCOPE_HTTP_BASE_URL");
    String url = base.endsWith("/") ? base.substring(0, base.length() - 1) : base;
    return new Request.Builder()
        .url(url.endsWith(path) ? url : url + path)
        .headers(Headers.of(headers))
        .post(RequestBody.create(JSON, JsonUtils.toJson(body)))
        .build();
  }

  private static ApiException refusal(Response response) throws IOException {
    String type = String.valueOf(response.header("Content-Type")).toLowerCase();
    if (type.contains("application/json")) {
      return ApiException.read(response.code(), response.body().string());
    }
    return new ApiException(response.code(), "response_error", response.message(), "");
  }
}
