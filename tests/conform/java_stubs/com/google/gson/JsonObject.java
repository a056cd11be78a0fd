package com.google.gson;

import java.util.Map;
import java.util.Set;

public final class JsonObject extends JsonElement {
  public void add(String name, JsonElement value) {}

  public void addProperty(String name, String value) {}

  public void addProperty(String name, Number value) {}

  public boolean has(String name) {
    return false;
  }

  public JsonElement get(String name) {
    return null;
  }

  public JsonElement remove(String name) {
    return null;
  }

  public JsonArray getAsJsonArray(String name) {
    return null;
  }

  public JsonObject getAsJsonObject(String name) {
    return null;
  }

  public Set<Map.Entry<String, JsonElement>> entrySet() {
    return null;
  }
}
