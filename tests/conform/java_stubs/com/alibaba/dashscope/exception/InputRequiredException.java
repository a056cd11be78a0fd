package com.alibaba.dashscope.exception;

public class InputRequiredException extends Exception {}
