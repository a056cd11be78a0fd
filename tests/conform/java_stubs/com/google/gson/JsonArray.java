package com.google.gson;

import java.util.Iterator;

public final class JsonArray extends JsonElement implements Iterable<JsonElement> {
  public void add(JsonElement element) {}

  public void add(String string) {}

  public int size() {
    return 0;
  }

  @Override
  public Iterator<JsonElement> iterator() {
    return null;
  }
}
