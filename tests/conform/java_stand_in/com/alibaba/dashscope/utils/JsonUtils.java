package com.alibaba.dashscope.utils;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

/** Nulls are left out, as by the SDK's own. */
public class JsonUtils {
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  public static String toJson(Object value) {
    return GSON.toJson(value);
  }

  public static JsonObject toJsonObject(Object value) {
    return GSON.toJsonTree(value).getAsJsonObject();
  }

  public static JsonObject parse(String json) {
    return fromJson(json, JsonElement.class).getAsJsonObject();
  }

  public static <T> T fromJson(String json, Class<T> kind) {
    return GSON.fromJson(json, kind);
  }

  public static <T> T fromJsonObject(JsonElement json, Class<T> kind) {
    return GSON.fromJson(json, kind);
  }
}
