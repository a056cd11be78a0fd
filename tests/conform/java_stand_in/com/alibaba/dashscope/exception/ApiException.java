package com.alibaba.dashscope.exception;

import com.alibaba.dashscope.utils.JsonUtils;
import com.google.gson.JsonObject;

/** What the service refused, or what went wrong on the way; the message is JSON. */
public class ApiException extends RuntimeException {
  private final JsonObject status = new JsonObject();

  public ApiException(int statusCode, String code, String message, String requestId) {
    status.addProperty("statusCode", statusCode);
    status.addProperty("message", message);
    status.addProperty("code", code);
    status.addProperty("isJson", true);
    status.addProperty("requestId", requestId);
  }

  /** From the JSON of an error. A field that is null is refused, as the SDK's reader does. */
  public static ApiException read(int statusCode, String body) {
    JsonObject json = JsonUtils.parse(body);
    return new ApiException(
        statusCode, text(json, "code"), text(json, "message"), text(json, "request_id"));
  }

  private static String text(JsonObject json, String name) {
    return json.has(name) ? json.get(name).getAsString() : "";
  }

  @Override
  public String getMessage() {
    return JsonUtils.toJson(status);
  }
}
