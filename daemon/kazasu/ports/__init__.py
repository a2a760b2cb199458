"""Every seam, as Protocols, a module a subject. What stands behind them in production app/ names, and nothing else.

Threads: a seam says who may call it. "Any thread" means its implementation locks or only enqueues.
"""
