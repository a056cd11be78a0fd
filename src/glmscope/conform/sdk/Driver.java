// The Java half of `glmscope conform`: does with the SDK what each line of stdin asks for.
//
// A line is {"op": NAME, "arguments": {...}}; the answer is a line {"result": ...} or
// {"raised": [CLASS, ...], "code": CODE, "message": TEXT}. An ApiException of the service counts
// as a response with its status and code, as the Python SDK has it. Addresses and the key come by
// the SDK's own environment variables.

import com.alibaba.dashscope.Version;
import com.alibaba.dashscope.aigc.generation.Generation;
import com.alibaba.dashscope.aigc.generation.GenerationParam;
import com.alibaba.dashscope.aigc.generation.GenerationResult;
import com.alibaba.dashscope.common.History;
import com.alibaba.dashscope.common.Message;
import com.alibaba.dashscope.exception.ApiException;
import com.alibaba.dashscope.exception.InputRequiredException;
import com.alibaba.dashscope.exception.NoApiKeyException;
import com.alibaba.dashscope.tokenizers.Tokenization;
import com.alibaba.dashscope.utils.JsonUtils;
import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

public class Driver {
  // The SDK's own writer leaves nulls out, and characters of HTML are no danger here.
  private static final Gson LINES =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();
  // Kept, so that calls over websocket can share a connection.
  private static final Generation HTTP = new Generation("http");
  private static final Generation WEBSOCKET = new Generation("websocket");

  public static void main(String[] args) throws Exception {
    // Whatever the SDK prints must not stand between the answers.
    PrintStream answers = new PrintStream(System.out, true, "UTF-8");
    System.setOut(System.err);
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      answers.println(LINES.toJson(answer(JsonUtils.parse(line))));
    }
    System.exit(0);
  }

  private static JsonObject answer(JsonObject request) {
    JsonObject answer = new JsonObject();
    try {
      JsonObject arguments = request.getAsJsonObject("arguments");
      answer.add("result", perform(request.get("op").getAsString(), arguments));
    } catch (Exception error) {
      JsonArray kinds = new JsonArray();
      for (Class<?> kind = error.getClass(); kind != Object.class; kind = kind.getSuperclass()) {
        kinds.add(kind.getSimpleName());
      }
      answer.add("raised", kinds);
      answer.add("code", JsonNull.INSTANCE);
      answer.addProperty("message", String.valueOf(error.getMessage()));
    }
    return answer;
  }

  private static JsonElement perform(String op, JsonObject arguments) throws Exception {
    switch (op) {
      case "hello":
        JsonObject hello = new JsonObject();
        hello.addProperty("version", Version.version);
        return hello;
      case "generate":
        return generate(arguments);
      case "parallel":
        return parallel(arguments.getAsJsonArray("calls"));
      case "tokenize":
        return tokenize(arguments.getAsJsonObject("arguments"));
      default:
        throw new UnsupportedOperationException("the Java driver has no " + op);
    }
  }

  private static JsonArray generate(JsonObject call)
      throws NoApiKeyException, InputRequiredException {
    boolean overWebsocket = call.get("transport").getAsString().equals("websocket");
    Generation generation = overWebsocket ? WEBSOCKET : HTTP;
    JsonArray responses = new JsonArray();
    try {
      GenerationParam param = param(call.getAsJsonObject("arguments"));
      if (call.get("stream").getAsBoolean()) {
        generation.streamCall(param).blockingForEach(result -> responses.add(shown(result)));
      } else {
        responses.add(shown(generation.call(param)));
      }
    } catch (ApiException error) {
      responses.add(refused(error));
    }
    return responses;
  }

  private static JsonArray parallel(JsonArray calls) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(calls.size());
    try {
      List<Future<JsonArray>> running = new ArrayList<>();
      for (JsonElement call : calls) {
        running.add(pool.submit(() -> generate(call.getAsJsonObject())));
      }
      JsonArray results = new JsonArray();
      for (Future<JsonArray> each : running) {
        results.add(each.get());
      }
      return results;
    } finally {
      pool.shutdownNow();
    }
  }

  private static JsonObject tokenize(JsonObject arguments)
      throws NoApiKeyException, InputRequiredException {
    try {
      JsonObject result = JsonUtils.toJsonObject(new Tokenization().call(param(arguments)));
      JsonObject output = result.getAsJsonObject("output");
      if (output.has("tokenIds")) {
        output.add("token_ids", output.remove("tokenIds"));
      }
      return response(200, "", "", result.get("requestId"), output, result.get("usage"));
    } catch (ApiException error) {
      return refused(error);
    }
  }

  private static GenerationParam param(JsonObject arguments) {
    GenerationParam.GenerationParamBuilder<?, ?> builder = GenerationParam.builder();
    for (Map.Entry<String, JsonElement> argument : arguments.entrySet()) {
      set(builder, argument.getKey(), argument.getValue());
    }
    return builder.build();
  }

  // The SDK's own setters where it has them; the rest as its users add what it has no setter for.
  private static void set(
      GenerationParam.GenerationParamBuilder<?, ?> builder, String name, JsonElement value) {
    switch (name) {
      case "model":
        builder.model(value.getAsString());
        break;
      case "api_key":
        builder.apiKey(value.getAsString());
        break;
      case "prompt":
        builder.prompt(value.getAsString());
        break;
      case "messages":
        builder.messages(all(value, Message.class));
        break;
      case "history":
        builder.history(all(value, History.class));
        break;
      case "result_format":
        builder.resultFormat(value.getAsString());
        break;
      case "incremental_output":
        builder.incrementalOutput(value.getAsBoolean());
        break;
      case "temperature":
        builder.temperature(value.getAsFloat());
        break;
      case "top_p":
        builder.topP(value.getAsDouble());
        break;
      case "top_k":
        builder.topK(value.getAsInt());
        break;
      case "seed":
        builder.seed(value.getAsInt());
        break;
      case "max_tokens":
        builder.maxTokens(value.getAsInt());
        break;
      case "stop":
        stop(builder, value);
        break;
      default:
        builder.parameter(name, value);
    }
  }

  private static void stop(GenerationParam.GenerationParamBuilder<?, ?> builder, JsonElement stop) {
    if (!stop.isJsonArray()) {
      builder.stopString(stop.getAsString());
      return;
    }
    for (JsonElement each : stop.getAsJsonArray()) {
      if (!each.isJsonArray()) {
        builder.stopString(each.getAsString());
        continue;
      }
      List<Integer> ids = new ArrayList<>();
      each.getAsJsonArray().forEach(id -> ids.add(id.getAsInt()));
      builder.stopToken(ids);
    }
  }

  private static <T> List<T> all(JsonElement values, Class<T> kind) {
    List<T> found = new ArrayList<>();
    for (JsonElement value : values.getAsJsonArray()) {
      found.add(JsonUtils.fromJsonObject(value, kind));
    }
    return found;
  }

  private static JsonObject shown(GenerationResult result) {
    JsonObject shown = JsonUtils.toJsonObject(result);
    return response(
        200, "", "", shown.get("requestId"), shown.get("output"), shown.get("usage"));
  }

  private static JsonObject refused(ApiException error) {
    JsonObject status = JsonUtils.parse(error.getMessage());
    return response(
        status.get("statusCode").getAsInt(),
        status.get("code").getAsString(),
        status.get("message").getAsString(),
        status.get("requestId"),
        null,
        null);
  }

  private static JsonObject response(
      int status,
      String code,
      String message,
      JsonElement requestId,
      JsonElement output,
      JsonElement usage) {
    JsonObject response = new JsonObject();
    response.addProperty("status", status);
    response.addProperty("code", code);
    response.addProperty("message", message);
    response.add("request_id", requestId);
    response.add("output", output);
    response.add("usage", usage);
    return response;
  }
}
