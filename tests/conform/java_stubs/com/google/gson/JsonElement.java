package com.google.gson;

public abstract class JsonElement {
  public boolean isJsonArray() {
    return false;
  }

  public JsonArray getAsJsonArray() {
    return null;
  }

  public JsonObject getAsJsonObject() {
    return null;
  }

  public String getAsString() {
    return null;
  }

  public boolean getAsBoolean() {
    return false;
  }

  public int getAsInt() {
    return 0;
  }

  public float getAsFloat() {
    return 0;
  }

  public double getAsDouble() {
    return 0;
  }
}
