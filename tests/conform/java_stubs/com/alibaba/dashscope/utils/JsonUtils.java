package com.alibaba.dashscope.utils;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;

public class JsonUtils {
  public static String toJson(Object value) {
    return null;
  }

  public static JsonObject toJsonObject(Object value) {
    return null;
  }

  public static JsonObject parse(String json) {
    return null;
  }

  public static <T> T fromJsonObject(JsonElement json, Class<T> kind) {
    return null;
  }
}
